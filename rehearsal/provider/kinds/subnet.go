package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema: terraform-provider-aws 6.x at 00cda125a19d (2026), internal/service/ec2/vpc_subnet.go.
var subnet = kind.Kind{
	Type: "aws_subnet", Token: "aws:ec2/subnet:Subnet", Noun: "subnet",
	Schema: kind.Schema{
		"arn":                     kind.Text(kind.Computed),
		"availability_zone":       kind.Text(kind.Fixed),
		"availability_zone_id":    kind.Text(kind.Computed),
		"cidr_block":              kind.Text(kind.Fixed),
		"map_public_ip_on_launch": kind.Bool(kind.Optional, kind.Default(false)),
		"owner_id":                kind.Text(kind.Computed),
		"vpc_id":                  kind.Text(kind.Required, kind.Replaces),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.CreateSubnet(ctx, &ec2.CreateSubnetInput{
			AvailabilityZone:  kind.Given(d, "availability_zone"),
			CidrBlock:         kind.Given(d, "cidr_block"),
			TagSpecifications: cloud.OnCreation(types.ResourceTypeSubnet, kind.AllTags(d)),
			VpcId:             kind.Given(d, "vpc_id"),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.Subnet.SubnetId), nil
	},
	// A new subnet maps no public addresses (modifySubnetAttributesOnCreate); only a difference is written.
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if d.Get("map_public_ip_on_launch").(bool) {
			return mapPublic(ctx, c, d)
		}
		return nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		answer, err := c.EC2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{d.Id()}})
		if err != nil {
			return cloud.AsGone(err)
		}
		found, there := first(answer.Subnets)
		if !there {
			return cloud.ErrGone
		}
		if err := kind.Show(d, map[string]any{
			"arn":                     found.SubnetArn,
			"availability_zone":       found.AvailabilityZone,
			"availability_zone_id":    found.AvailabilityZoneId,
			"cidr_block":              found.CidrBlock,
			"map_public_ip_on_launch": found.MapPublicIpOnLaunch,
			"owner_id":                found.OwnerId,
			"vpc_id":                  found.VpcId,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
	},
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if d.HasChange("map_public_ip_on_launch") {
			return mapPublic(ctx, c, d)
		}
		return nil
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return cloud.WhenReleased(ctx, kind.Patience(d), cloud.InUse, func() error {
			_, err := c.EC2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(d.Id())})
			return err
		})
	},
	Import: kind.ByID,
}

func mapPublic(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	_, err := c.EC2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{
		SubnetId: aws.String(d.Id()),
		MapPublicIpOnLaunch: &types.AttributeBooleanValue{
			Value: aws.Bool(d.Get("map_public_ip_on_launch").(bool)),
		},
	})
	return err
}
