package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 6.x at 01606926a0c0, internal/service/ec2/ec2_eip.go.
var eip = kind.Kind{
	Type: "aws_eip", Token: "aws:ec2/eip:Eip", Noun: "Elastic IP",
	Schema: kind.Schema{
		"allocation_id":  kind.Text(kind.Computed),
		"arn":            kind.Text(kind.Computed),
		"association_id": kind.Text(kind.Computed),
		"domain": kind.Text(kind.Optional, kind.Computed, kind.Replaces,
			kind.Checked(validation.StringInSlice([]string{"vpc", "standard"}, false))),
		"instance":          kind.Text(kind.Computed),
		"network_interface": kind.Text(kind.Computed),
		"private_ip":        kind.Text(kind.Computed),
		"public_dns":        kind.Text(kind.Computed),
		"public_ip":         kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.AllocateAddress(ctx, &ec2.AllocateAddressInput{
			Domain:            types.DomainType(d.Get("domain").(string)),
			TagSpecifications: cloud.OnCreation(types.ResourceTypeElasticIp, kind.AllTags(d)),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.AllocationId), nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		found, err := findAddress(ctx, c, "allocation-id", d.Id())
		if err != nil {
			return err
		}
		arn, err := c.EC2ARN("", "elastic-ip/"+d.Id())
		if err != nil {
			return err
		}
		if err := kind.Show(d, map[string]any{
			"allocation_id":     found.AllocationId,
			"arn":               arn,
			"association_id":    found.AssociationId,
			"domain":            found.Domain,
			"instance":          found.InstanceId,
			"network_interface": found.NetworkInterfaceId,
			"private_ip":        found.PrivateIpAddress,
			"public_ip":         found.PublicIp,
			"public_dns":        publicName(aws.ToString(found.PublicIp), c.Region),
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return cloud.WhenReleased(ctx, kind.Patience(d), []string{"InvalidIPAddress.InUse"}, func() error {
			_, err := c.EC2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: aws.String(d.Id())})
			return err
		})
	},
	Import: kind.ByID,
}

func findAddress(ctx context.Context, c *cloud.Cloud, by, value string) (types.Address, error) {
	answer, err := c.EC2.DescribeAddresses(
		ctx,
		&ec2.DescribeAddressesInput{Filters: []types.Filter{filter(by, value)}},
	)
	if err != nil {
		return types.Address{}, cloud.AsGone(err)
	}
	found, there := first(answer.Addresses)
	if !there {
		return found, cloud.ErrGone
	}
	return found, nil
}

func publicName(address, region string) string {
	zone := region + ".compute"
	if region == "us-east-1" {
		zone = "compute-1"
	}
	return fmt.Sprintf("ec2-%s.%s.amazonaws.com", strings.ReplaceAll(address, ".", "-"), zone)
}
