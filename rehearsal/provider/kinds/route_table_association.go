package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 4.x at 0be71beb458a,
// internal/service/ec2/vpc_route_table_association.go.
var routeTableAssociation = kind.Kind{
	Type: "aws_route_table_association", Token: "aws:ec2/routeTableAssociation:RouteTableAssociation",
	Noun: "route table association", Untagged: true,
	Schema: kind.Schema{
		"route_table_id": kind.Text(kind.Required),
		"subnet_id":      kind.Text(kind.Optional, kind.Replaces, kind.ExactlyOneOf("subnet_id")),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{
			RouteTableId: kind.Given(d, "route_table_id"), SubnetId: kind.Given(d, "subnet_id"),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.AssociationId), nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		found, err := findAssociation(ctx, c, d.Id())
		if err != nil {
			return err
		}
		return kind.Show(d, map[string]any{"route_table_id": found.RouteTableId, "subnet_id": found.SubnetId})
	},
	// Another table gives the association another id.
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		moved, err := c.EC2.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{
			AssociationId: aws.String(d.Id()), RouteTableId: kind.Given(d, "route_table_id"),
		})
		if err != nil {
			return err
		}
		d.SetId(aws.ToString(moved.NewAssociationId))
		return nil
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.EC2.DisassociateRouteTable(
			ctx,
			&ec2.DisassociateRouteTableInput{AssociationId: aws.String(d.Id())},
		)
		return cloud.UnlessGone(err)
	},
	Import: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		subnet, table, two := strings.Cut(d.Id(), "/")
		if !two {
			return fmt.Errorf("the id must be SUBNETID/ROUTETABLEID")
		}
		found, err := describeTable(ctx, c, table)
		if err != nil {
			return err
		}
		for _, each := range found.Associations {
			if aws.ToString(each.SubnetId) == subnet {
				d.SetId(aws.ToString(each.RouteTableAssociationId))
				return nil
			}
		}
		return cloud.ErrGone
	},
}

func findAssociation(ctx context.Context, c *cloud.Cloud, id string) (types.RouteTableAssociation, error) {
	answer, err := c.EC2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
		Filters: []types.Filter{filter("association.route-table-association-id", id)},
	})
	if err != nil {
		return types.RouteTableAssociation{}, cloud.AsGone(err)
	}
	for _, table := range answer.RouteTables {
		for _, each := range table.Associations {
			if aws.ToString(each.RouteTableAssociationId) == id {
				return each, nil
			}
		}
	}
	return types.RouteTableAssociation{}, cloud.ErrGone
}
