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

// Schema: terraform-provider-aws 5.x at 00081ce41cc6, internal/service/ec2/vpc_.go. A change of
// instance_tenancy is refused there by resourceVPCCustomizeDiff unless it goes from dedicated to default;
// here it replaces in both cases.
var vpc = kind.Kind{
	Type: "aws_vpc", Token: "aws:ec2/vpc:Vpc", Noun: "VPC",
	Schema: kind.Schema{
		"arn":                       kind.Text(kind.Computed),
		"cidr_block":                kind.Text(kind.Fixed, kind.Checked(validation.IsCIDRNetwork(16, 28))),
		"default_network_acl_id":    kind.Text(kind.Computed),
		"default_route_table_id":    kind.Text(kind.Computed),
		"default_security_group_id": kind.Text(kind.Computed),
		"dhcp_options_id":           kind.Text(kind.Computed),
		"enable_dns_hostnames":      kind.Bool(kind.Optional, kind.Computed),
		"enable_dns_support":        kind.Bool(kind.Optional, kind.Default(true)),
		"instance_tenancy": kind.Text(kind.Optional, kind.Replaces, kind.Default("default"),
			kind.Checked(validation.StringInSlice([]string{"default", "dedicated"}, false))),
		"main_route_table_id": kind.Text(kind.Computed),
		"owner_id":            kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.CreateVpc(ctx, &ec2.CreateVpcInput{
			CidrBlock:         kind.Given(d, "cidr_block"),
			InstanceTenancy:   types.Tenancy(d.Get("instance_tenancy").(string)),
			TagSpecifications: cloud.OnCreation(types.ResourceTypeVpc, kind.AllTags(d)),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.Vpc.VpcId), nil
	},
	// A new VPC has DNS support and no DNS host names (modifyVPCAttributesOnCreate); only a difference is
	// written.
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if d.Get("enable_dns_hostnames").(bool) {
			if err := setHostnames(ctx, c, d); err != nil {
				return err
			}
		}
		if !d.Get("enable_dns_support").(bool) {
			return setSupport(ctx, c, d)
		}
		return nil
	},
	Read: readVpc,
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if d.HasChange("enable_dns_hostnames") {
			if err := setHostnames(ctx, c, d); err != nil {
				return err
			}
		}
		if d.HasChange("enable_dns_support") {
			return setSupport(ctx, c, d)
		}
		return nil
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return cloud.WhenReleased(ctx, kind.Patience(d), cloud.InUse, func() error {
			_, err := c.EC2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: aws.String(d.Id())})
			return err
		})
	},
	Import: kind.ByID,
}

func setHostnames(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	value := &types.AttributeBooleanValue{Value: aws.Bool(d.Get("enable_dns_hostnames").(bool))}
	_, err := c.EC2.ModifyVpcAttribute(
		ctx,
		&ec2.ModifyVpcAttributeInput{VpcId: aws.String(d.Id()), EnableDnsHostnames: value},
	)
	return err
}

func setSupport(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	value := &types.AttributeBooleanValue{Value: aws.Bool(d.Get("enable_dns_support").(bool))}
	_, err := c.EC2.ModifyVpcAttribute(
		ctx,
		&ec2.ModifyVpcAttributeInput{VpcId: aws.String(d.Id()), EnableDnsSupport: value},
	)
	return err
}

func readVpc(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	answer, err := c.EC2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{d.Id()}})
	if err != nil {
		return cloud.AsGone(err)
	}
	found, there := first(answer.Vpcs)
	if !there {
		return cloud.ErrGone
	}
	arn, err := c.EC2ARN(aws.ToString(found.OwnerId), "vpc/"+d.Id())
	if err != nil {
		return err
	}
	hostnames, err := vpcAttribute(ctx, c, d.Id(), types.VpcAttributeNameEnableDnsHostnames)
	if err != nil {
		return err
	}
	support, err := vpcAttribute(ctx, c, d.Id(), types.VpcAttributeNameEnableDnsSupport)
	if err != nil {
		return err
	}
	if err := showDefaults(ctx, c, d); err != nil {
		return err
	}
	if err := kind.Show(d, map[string]any{
		"arn":                  arn,
		"cidr_block":           found.CidrBlock,
		"dhcp_options_id":      found.DhcpOptionsId,
		"owner_id":             found.OwnerId,
		"instance_tenancy":     found.InstanceTenancy,
		"enable_dns_hostnames": hostnames,
		"enable_dns_support":   support,
	}); err != nil {
		return err
	}
	return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
}

func vpcAttribute(
	ctx context.Context,
	c *cloud.Cloud,
	id string,
	name types.VpcAttributeName,
) (*bool, error) {
	answer, err := c.EC2.DescribeVpcAttribute(
		ctx,
		&ec2.DescribeVpcAttributeInput{VpcId: aws.String(id), Attribute: name},
	)
	if err != nil {
		return nil, cloud.AsGone(err)
	}
	if name == types.VpcAttributeNameEnableDnsHostnames {
		return answer.EnableDnsHostnames.Value, nil
	}
	return answer.EnableDnsSupport.Value, nil
}

// showDefaults sets what AWS makes together with a VPC.
func showDefaults(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	of := func(name, value string) []types.Filter {
		return []types.Filter{filter("vpc-id", d.Id()), filter(name, value)}
	}
	tables, err := c.EC2.DescribeRouteTables(
		ctx,
		&ec2.DescribeRouteTablesInput{Filters: of("association.main", "true")},
	)
	if err != nil {
		return err
	}
	acls, err := c.EC2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: of("default", "true")})
	if err != nil {
		return err
	}
	groups, err := c.EC2.DescribeSecurityGroups(
		ctx,
		&ec2.DescribeSecurityGroupsInput{Filters: of("group-name", "default")},
	)
	if err != nil {
		return err
	}
	table, _ := first(tables.RouteTables)
	acl, _ := first(acls.NetworkAcls)
	group, _ := first(groups.SecurityGroups)
	return kind.Show(d, map[string]any{
		"main_route_table_id": table.RouteTableId, "default_route_table_id": table.RouteTableId,
		"default_network_acl_id": acl.NetworkAclId, "default_security_group_id": group.GroupId,
	})
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}
