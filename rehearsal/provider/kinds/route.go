package kinds

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

var routeTargets = kind.ExactlyOneOf("gateway_id", "nat_gateway_id", "network_interface_id")

// Schema, id and calls: terraform-provider-aws 4.x at 0128541e0711, internal/service/ec2/vpc_route.go.
var route = kind.Kind{
	Type: "aws_route", Token: "aws:ec2/route:Route", Noun: "route", Untagged: true,
	Schema: kind.Schema{
		"destination_cidr_block": kind.Text(kind.Optional, kind.Replaces,
			kind.ExactlyOneOf("destination_cidr_block")),
		"gateway_id":           kind.Text(kind.Optional, routeTargets),
		"nat_gateway_id":       kind.Text(kind.Optional, routeTargets),
		"network_interface_id": kind.Text(kind.Optional, kind.Computed, routeTargets),
		"origin":               kind.Text(kind.Computed),
		"route_table_id":       kind.Text(kind.Required, kind.Replaces),
		"state":                kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		_, err := c.EC2.CreateRoute(ctx, &ec2.CreateRouteInput{
			RouteTableId:         kind.Given(d, "route_table_id"),
			DestinationCidrBlock: kind.Given(d, "destination_cidr_block"),
			GatewayId:            kind.Given(d, "gateway_id"),
			NatGatewayId:         kind.Given(d, "nat_gateway_id"),
			NetworkInterfaceId:   kind.Given(d, "network_interface_id"),
		})
		return routeID(d), err
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		found, err := findRoute(ctx, c, d)
		if err != nil {
			return err
		}
		return kind.Show(d, map[string]any{
			"destination_cidr_block": found.DestinationCidrBlock, "gateway_id": found.GatewayId,
			"nat_gateway_id": found.NatGatewayId, "network_interface_id": found.NetworkInterfaceId,
			"origin": found.Origin, "state": found.State,
		})
	},
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.EC2.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{
			RouteTableId:         kind.Given(d, "route_table_id"),
			DestinationCidrBlock: kind.Given(d, "destination_cidr_block"),
			GatewayId:            kind.Given(d, "gateway_id"),
			NatGatewayId:         kind.Given(d, "nat_gateway_id"),
			NetworkInterfaceId:   kind.Given(d, "network_interface_id"),
		})
		return err
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if _, err := findRoute(ctx, c, d); err != nil {
			return cloud.UnlessGone(err)
		}
		_, err := c.EC2.DeleteRoute(ctx, &ec2.DeleteRouteInput{
			RouteTableId:         kind.Given(d, "route_table_id"),
			DestinationCidrBlock: kind.Given(d, "destination_cidr_block"),
		})
		return cloud.UnlessGone(err)
	},
	Import: func(_ context.Context, _ *cloud.Cloud, d *kind.Data) error {
		table, destination, two := strings.Cut(d.Id(), "_")
		if !two {
			return fmt.Errorf("the id must be ROUTETABLEID_DESTINATION")
		}
		if err := kind.Show(
			d,
			map[string]any{"route_table_id": table, "destination_cidr_block": destination},
		); err != nil {
			return err
		}
		d.SetId(routeID(d))
		return nil
	},
}

func routeID(d *kind.Data) string {
	destination := d.Get("destination_cidr_block").(string)
	return fmt.Sprintf("r-%s%d", d.Get("route_table_id"), crc32.ChecksumIEEE([]byte(destination)))
}

func findRoute(ctx context.Context, c *cloud.Cloud, d *kind.Data) (types.Route, error) {
	table, err := describeTable(ctx, c, d.Get("route_table_id").(string))
	if err != nil {
		return types.Route{}, err
	}
	for _, each := range table.Routes {
		if aws.ToString(each.DestinationCidrBlock) == d.Get("destination_cidr_block").(string) {
			return each, nil
		}
	}
	return types.Route{}, cloud.ErrGone
}
