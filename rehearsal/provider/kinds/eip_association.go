package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 4.x at 01c08000ddb1, internal/service/ec2/ec2_eip_association.go.
var eipAssociation = kind.Kind{
	Type:     "aws_eip_association",
	Token:    "aws:ec2/eipAssociation:EipAssociation",
	Noun:     "Elastic IP association",
	Untagged: true,
	Schema: kind.Schema{
		"allocation_id":        kind.Text(kind.Optional, kind.Computed, kind.Replaces),
		"instance_id":          kind.Text(kind.Optional, kind.Computed, kind.Replaces),
		"network_interface_id": kind.Text(kind.Computed),
		"private_ip_address":   kind.Text(kind.Computed),
		"public_ip":            kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.AssociateAddress(ctx, &ec2.AssociateAddressInput{
			AllocationId: kind.Given(d, "allocation_id"), InstanceId: kind.Given(d, "instance_id"),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.AssociationId), nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		found, err := findAddress(ctx, c, "association-id", d.Id())
		if err != nil {
			return err
		}
		return kind.Show(d, map[string]any{
			"allocation_id":        found.AllocationId,
			"instance_id":          found.InstanceId,
			"network_interface_id": found.NetworkInterfaceId,
			"private_ip_address":   found.PrivateIpAddress,
			"public_ip":            found.PublicIp,
		})
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.EC2.DisassociateAddress(
			ctx,
			&ec2.DisassociateAddressInput{AssociationId: aws.String(d.Id())},
		)
		return cloud.UnlessGone(err)
	},
	Import: kind.ByID,
}
