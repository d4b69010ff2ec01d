package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 6.x at 01606926a0c0, internal/service/ec2/vpc_security_group.go.
// The default description is Pulumi's (pulumi/pulumi-aws, patches). Rules inside a group are not modelled:
// they fight with the
// rules of their own.
var securityGroup = kind.Kind{
	Type: "aws_security_group", Token: "aws:ec2/securityGroup:SecurityGroup", Noun: "security group",
	Name: &kind.Name{Field: "name", Pulumi: "name", Length: 255},
	Schema: kind.Schema{
		"arn": kind.Text(kind.Computed),
		"description": kind.Text(kind.Optional, kind.Replaces, kind.Default("Managed by Pulumi"),
			kind.Checked(validation.StringLenBetween(0, 255))),
		"name":     kind.Text(kind.Fixed, kind.Checked(validation.StringLenBetween(0, 255))),
		"owner_id": kind.Text(kind.Computed),
		"vpc_id":   kind.Text(kind.Fixed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
			Description:       kind.Given(d, "description"),
			GroupName:         kind.Given(d, "name"),
			TagSpecifications: cloud.OnCreation(types.ResourceTypeSecurityGroup, kind.AllTags(d)),
			VpcId:             kind.Given(d, "vpc_id"),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.GroupId), nil
	},
	// AWS lets a new group talk to everybody. The official provider takes that away, so that only declared
	// rules hold.
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.EC2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: aws.String(d.Id()),
			IpPermissions: []types.IpPermission{{
				IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
			}},
		})
		return err
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		answer, err := c.EC2.DescribeSecurityGroups(
			ctx,
			&ec2.DescribeSecurityGroupsInput{GroupIds: []string{d.Id()}},
		)
		if err != nil {
			return cloud.AsGone(err)
		}
		found, there := first(answer.SecurityGroups)
		if !there {
			return cloud.ErrGone
		}
		arn, err := c.EC2ARN(aws.ToString(found.OwnerId), "security-group/"+d.Id())
		if err != nil {
			return err
		}
		if err := kind.Show(d, map[string]any{
			"arn":         arn,
			"description": found.Description,
			"name":        found.GroupName,
			"owner_id":    found.OwnerId,
			"vpc_id":      found.VpcId,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		codes := append([]string{"InvalidGroup.InUse"}, cloud.InUse...)
		return cloud.WhenReleased(ctx, kind.Patience(d), codes, func() error {
			_, err := c.EC2.DeleteSecurityGroup(
				ctx,
				&ec2.DeleteSecurityGroupInput{GroupId: aws.String(d.Id())},
			)
			return err
		})
	},
	Import: kind.ByID,
}
