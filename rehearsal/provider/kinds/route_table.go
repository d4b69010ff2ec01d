package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// local is the gateway of the route that every table has.
const local = "local"

// Schema and calls: terraform-provider-aws 5.x at 022092419b7c, internal/service/ec2/vpc_route_table.go.
// Routes inside a table are shown and not modelled: they have resources of their own.
var routeTable = kind.Kind{
	Type: "aws_route_table", Token: "aws:ec2/routeTable:RouteTable", Noun: "route table",
	Schema: kind.Schema{
		"arn":      kind.Text(kind.Computed),
		"owner_id": kind.Text(kind.Computed),
		"route": kind.Blocks(kind.Schema{
			"cidr_block":           kind.Text(kind.Computed),
			"gateway_id":           kind.Text(kind.Computed),
			"nat_gateway_id":       kind.Text(kind.Computed),
			"network_interface_id": kind.Text(kind.Computed),
		}, kind.Computed),
		"vpc_id": kind.Text(kind.Required, kind.Replaces),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{
			TagSpecifications: cloud.OnCreation(types.ResourceTypeRouteTable, kind.AllTags(d)),
			VpcId:             kind.Given(d, "vpc_id"),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.RouteTable.RouteTableId), nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		table, err := describeTable(ctx, c, d.Id())
		if err != nil {
			return err
		}
		arn, err := c.EC2ARN(aws.ToString(table.OwnerId), "route-table/"+d.Id())
		if err != nil {
			return err
		}
		if err := kind.Show(d, map[string]any{
			"arn": arn, "owner_id": table.OwnerId, "route": shownRoutes(table), "vpc_id": table.VpcId,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, cloud.FromEC2(table.Tags))
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return cloud.WhenReleased(ctx, kind.Patience(d), cloud.InUse, func() error {
			_, err := c.EC2.DeleteRouteTable(
				ctx,
				&ec2.DeleteRouteTableInput{RouteTableId: aws.String(d.Id())},
			)
			return err
		})
	},
	Import: kind.ByID,
}

func describeTable(ctx context.Context, c *cloud.Cloud, id string) (types.RouteTable, error) {
	answer, err := c.EC2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{id}})
	if err != nil {
		return types.RouteTable{}, cloud.AsGone(err)
	}
	table, there := first(answer.RouteTables)
	if !there {
		return table, cloud.ErrGone
	}
	return table, nil
}

func shownRoutes(table types.RouteTable) []any {
	routes := []any{}
	for _, each := range table.Routes {
		if aws.ToString(each.GatewayId) == local || each.DestinationCidrBlock == nil {
			continue
		}
		routes = append(routes, map[string]any{
			"cidr_block":           aws.ToString(each.DestinationCidrBlock),
			"gateway_id":           aws.ToString(each.GatewayId),
			"nat_gateway_id":       aws.ToString(each.NatGatewayId),
			"network_interface_id": aws.ToString(each.NetworkInterfaceId),
		})
	}
	return routes
}
