package functions

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// instanceTypeOfferings: three lists of one length, an item of each per offering. Schema: pulumi_aws 7.51.1,
// ec2/get_instance_type_offerings.py.
var instanceTypeOfferings = Function{
	Type: "aws_ec2_instance_type_offerings", Token: "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
	Schema: kind.Schema{
		"filter":         filterSchema(),
		"instance_types": kind.TextList(kind.Computed),
		"location_type": kind.Text(kind.Optional, kind.Checked(validation.StringInSlice(
			[]string{"availability-zone", "availability-zone-id", "outpost", "region"}, false))),
		"location_types": kind.TextList(kind.Computed),
		"locations":      kind.TextList(kind.Computed),
	},
	Read: readOfferings,
}

func filterSchema() *schema.Schema {
	return kind.Blocks(
		kind.Schema{"name": kind.Text(kind.Required), "values": kind.TextSet(kind.Required)},
		kind.Optional,
	)
}

func filters(d *kind.Data) []types.Filter {
	list := []types.Filter{}
	for _, each := range d.Get("filter").(*schema.Set).List() {
		fields := each.(map[string]any)
		list = append(
			list,
			types.Filter{Name: aws.String(fields["name"].(string)), Values: kind.Texts(fields["values"])},
		)
	}
	return list
}

func readOfferings(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
	query := &ec2.DescribeInstanceTypeOfferingsInput{Filters: filters(d)}
	if given := kind.Given(d, "location_type"); given != nil {
		query.LocationType = types.LocationType(*given)
	}
	kinds, places, placeTypes := []string{}, []string{}, []string{}
	for pages := ec2.NewDescribeInstanceTypeOfferingsPaginator(c.EC2, query); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, each := range page.InstanceTypeOfferings {
			kinds = append(kinds, string(each.InstanceType))
			places = append(places, aws.ToString(each.Location))
			placeTypes = append(placeTypes, string(each.LocationType))
		}
	}
	fields := map[string]any{"instance_types": kinds, "locations": places, "location_types": placeTypes}
	return c.Region, kind.Show(d, fields)
}
