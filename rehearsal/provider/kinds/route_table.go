package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// local is the gateway of the route that every table has.
const local = "local"

// Schema and calls: terraform-provider-aws 5.x at 022092419b7c, internal/service/ec2/vpc_route_table.go.
var routeTable = kind.Kind{
	Type: "aws_route_table", Token: "aws:ec2/routeTable:RouteTable", Noun: "route table",
	Schema: kind.Schema{
		"arn":      kind.Text(kind.Computed),
		"owner_id": kind.Text(kind.Computed),
		"route":    inlineRoutes(),
		"vpc_id":   kind.Text(kind.Required, kind.Replaces),
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
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return addRoutes(ctx, c, d.Id(), d.Get("route").(*schema.Set))
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
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		before, after := d.GetChange("route")
		for _, each := range before.(*schema.Set).Difference(after.(*schema.Set)).List() {
			_, err := c.EC2.DeleteRoute(ctx, &ec2.DeleteRouteInput{
				RouteTableId: aws.String(
					d.Id(),
				),
				DestinationCidrBlock: aws.String(each.(map[string]any)["cidr_block"].(string)),
			})
			if cloud.UnlessGone(err) != nil {
				return err
			}
		}
		return addRoutes(ctx, c, d.Id(), after.(*schema.Set).Difference(before.(*schema.Set)))
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

func inlineRoutes() *schema.Schema {
	routes := kind.Blocks(kind.Schema{
		"cidr_block":           kind.Text(kind.Optional),
		"gateway_id":           kind.Text(kind.Optional),
		"nat_gateway_id":       kind.Text(kind.Optional),
		"network_interface_id": kind.Text(kind.Optional),
	}, kind.Optional, kind.Computed)
	// As an attribute an empty list is a wish, and an absent one is none.
	routes.ConfigMode = schema.SchemaConfigModeAttr
	return routes
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
			"cidr_block": aws.ToString(each.DestinationCidrBlock),
			"gateway_id": aws.ToString(each.GatewayId),
			"nat_gateway_id": aws.ToString(
				each.NatGatewayId,
			),
			"network_interface_id": aws.ToString(each.NetworkInterfaceId),
		})
	}
	return routes
}

func addRoutes(ctx context.Context, c *cloud.Cloud, id string, routes *schema.Set) error {
	for _, each := range routes.List() {
		fields := each.(map[string]any)
		_, err := c.EC2.CreateRoute(ctx, &ec2.CreateRouteInput{
			RouteTableId:         aws.String(id),
			DestinationCidrBlock: nonEmpty(fields["cidr_block"]),
			GatewayId:            nonEmpty(fields["gateway_id"]),
			NatGatewayId:         nonEmpty(fields["nat_gateway_id"]),
			NetworkInterfaceId:   nonEmpty(fields["network_interface_id"]),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func nonEmpty(value any) *string {
	if text, _ := value.(string); text != "" {
		return &text
	}
	return nil
}
