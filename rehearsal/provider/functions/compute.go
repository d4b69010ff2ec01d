package functions

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

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

var ami = Function{
	Type: "aws_ami", Token: "aws:ec2/getAmi:getAmi",
	Schema: kind.Schema{
		"architecture": kind.Text(
			kind.Computed,
		),
		"arn":           kind.Text(kind.Computed),
		"creation_date": kind.Text(kind.Computed),
		"description": kind.Text(
			kind.Computed,
		),
		"executable_users": kind.TextList(kind.Optional),
		"filter":           filterSchema(),
		"image_id": kind.Text(
			kind.Computed,
		),
		"most_recent": kind.Bool(kind.Optional, kind.Default(false)),
		"name":        kind.Text(kind.Computed),
		"owner_id": kind.Text(
			kind.Computed,
		),
		"owners":   kind.TextList(kind.Optional),
		"platform": kind.Text(kind.Computed),
		"root_device_name": kind.Text(
			kind.Computed,
		),
		"root_device_type":    kind.Text(kind.Computed),
		"state":               kind.Text(kind.Computed),
		"tags":                kind.Tags(kind.Computed),
		"virtualization_type": kind.Text(kind.Computed),
	},
	Read: readImage,
}

func readImage(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
	query := &ec2.DescribeImagesInput{
		Owners:          kind.Texts(d.Get("owners")),
		ExecutableUsers: kind.Texts(d.Get("executable_users")),
	}
	if given := filters(d); len(given) > 0 {
		query.Filters = given
	}
	answer, err := c.EC2.DescribeImages(ctx, query)
	if err != nil {
		return "", err
	}
	images := answer.Images
	if len(images) == 0 {
		return "", fmt.Errorf("no image matches; change the filters or the owners")
	}
	if len(images) > 1 && !d.Get("most_recent").(bool) {
		return "", fmt.Errorf("%d images match; narrow the filters or set mostRecent", len(images))
	}
	newest := slices.MaxFunc(images, func(a, b types.Image) int {
		return cmp.Compare(aws.ToString(a.CreationDate), aws.ToString(b.CreationDate))
	})
	id := aws.ToString(newest.ImageId)
	return id, kind.Show(d, map[string]any{
		"architecture":        newest.Architecture,
		"arn":                 fmt.Sprintf("arn:%s:ec2:%s::image/%s", c.Partition(), c.Region, id),
		"creation_date":       newest.CreationDate,
		"description":         newest.Description,
		"image_id":            id,
		"name":                newest.Name,
		"owner_id":            newest.OwnerId,
		"platform":            newest.Platform,
		"root_device_name":    newest.RootDeviceName,
		"root_device_type":    newest.RootDeviceType,
		"state":               newest.State,
		"tags":                cloud.FromEC2(newest.Tags),
		"virtualization_type": newest.VirtualizationType,
	})
}

var availabilityZones = Function{
	Type: "aws_availability_zones", Token: "aws:index/getAvailabilityZones:getAvailabilityZones",
	Schema: kind.Schema{
		"exclude_names": kind.TextSet(
			kind.Optional,
		),
		"exclude_zone_ids": kind.TextSet(kind.Optional),
		"filter":           filterSchema(),
		"group_names": kind.TextSet(
			kind.Computed,
		),
		"names":    kind.TextList(kind.Computed),
		"state":    kind.Text(kind.Optional),
		"zone_ids": kind.TextList(kind.Computed),
	},
	Read: readZones,
}

func readZones(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
	wanted := filters(d)
	if state := kind.Given(d, "state"); state != nil {
		wanted = append(wanted, types.Filter{Name: aws.String("state"), Values: []string{*state}})
	}
	answer, err := c.EC2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{Filters: wanted})
	if err != nil {
		return "", err
	}
	excluded := append(kind.Texts(d.Get("exclude_names")), kind.Texts(d.Get("exclude_zone_ids"))...)
	zones := slices.DeleteFunc(answer.AvailabilityZones, func(zone types.AvailabilityZone) bool {
		return slices.Contains(excluded, aws.ToString(zone.ZoneName)) ||
			slices.Contains(excluded, aws.ToString(zone.ZoneId))
	})
	slices.SortFunc(zones, func(a, b types.AvailabilityZone) int {
		return cmp.Compare(aws.ToString(a.ZoneName), aws.ToString(b.ZoneName))
	})
	names, ids := []string{}, []string{}
	for _, each := range zones {
		names, ids = append(names, aws.ToString(each.ZoneName)), append(ids, aws.ToString(each.ZoneId))
	}
	return c.Region, kind.Show(
		d,
		map[string]any{"group_names": []string{c.Region}, "names": names, "zone_ids": ids},
	)
}

var instanceType = Function{
	Type: "aws_ec2_instance_type", Token: "aws:ec2/getInstanceType:getInstanceType",
	Schema: kind.Schema{
		"current_generation": kind.Bool(kind.Computed), "default_vcpus": kind.Int(kind.Computed),
		"instance_type": kind.Text(kind.Required), "memory_size": kind.Int(kind.Computed),
		"supported_architectures": kind.TextList(kind.Computed),
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		name := d.Get("instance_type").(string)
		answer, err := c.EC2.DescribeInstanceTypes(
			ctx,
			&ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceType(name)}},
		)
		if err != nil {
			return "", err
		}
		if len(answer.InstanceTypes) == 0 {
			return "", fmt.Errorf("there is no instance type %s in %s", name, c.Region)
		}
		found := answer.InstanceTypes[0]
		architectures := []string{}
		for _, each := range found.ProcessorInfo.SupportedArchitectures {
			architectures = append(architectures, string(each))
		}
		return name, kind.Show(d, map[string]any{
			"current_generation": found.CurrentGeneration, "default_vcpus": found.VCpuInfo.DefaultVCpus,
			"memory_size": found.MemoryInfo.SizeInMiB, "supported_architectures": architectures,
		})
	},
}
