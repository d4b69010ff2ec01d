package kinds

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

func describeInstance(ctx context.Context, c *cloud.Cloud, id string) (types.Instance, error) {
	answer, err := c.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return types.Instance{}, cloud.AsGone(err)
	}
	reservation, _ := first(answer.Reservations)
	found, there := first(reservation.Instances)
	if !there {
		return found, cloud.ErrGone
	}
	return found, nil
}

func readInstance(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	found, err := describeInstance(ctx, c, d.Id())
	if err != nil {
		return err
	}
	// An instance that ends is no more to Terraform (FindInstanceByID); what it leaves behind is seen for an
	// hour.
	if state := found.State.Name; state == shuttingDown || state == terminated {
		return cloud.ErrGone
	}
	for _, show := range []func(context.Context, *cloud.Cloud, *kind.Data, types.Instance) error{
		showIdentity, showNetwork, showVolumes, showAttributes,
	} {
		if err := show(ctx, c, d, found); err != nil {
			return err
		}
	}
	return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
}

func showIdentity(_ context.Context, c *cloud.Cloud, d *kind.Data, found types.Instance) error {
	arn, err := c.EC2ARN("", "instance/"+d.Id())
	if err != nil {
		return err
	}
	profile := ""
	if found.IamInstanceProfile != nil {
		name := aws.ToString(found.IamInstanceProfile.Arn)
		profile = name[strings.LastIndex(name, "/")+1:]
	}
	return kind.Show(d, map[string]any{
		"ami":                  found.ImageId,
		"arn":                  arn,
		"availability_zone":    found.Placement.AvailabilityZone,
		"iam_instance_profile": profile,
		"instance_state":       found.State.Name,
		"instance_type":        found.InstanceType,
		"key_name":             found.KeyName,
		"metadata_options":     shownMetadata(found.MetadataOptions),
	})
}

func shownMetadata(options *types.InstanceMetadataOptionsResponse) []any {
	if options == nil {
		return nil
	}
	return []any{
		map[string]any{
			"http_endpoint":               string(options.HttpEndpoint),
			"http_protocol_ipv6":          string(options.HttpProtocolIpv6),
			"http_put_response_hop_limit": int(aws.ToInt32(options.HttpPutResponseHopLimit)),
			"http_tokens":                 string(options.HttpTokens),
			"instance_metadata_tags":      string(options.InstanceMetadataTags),
		},
	}
}

func primaryInterface(found types.Instance) types.InstanceNetworkInterface {
	for _, each := range found.NetworkInterfaces {
		if each.Attachment != nil && aws.ToInt32(each.Attachment.DeviceIndex) == 0 {
			return each
		}
	}
	return types.InstanceNetworkInterface{}
}

func showNetwork(_ context.Context, _ *cloud.Cloud, d *kind.Data, found types.Instance) error {
	primary := primaryInterface(found)
	groups := []string{}
	for _, each := range primary.Groups {
		groups = append(groups, aws.ToString(each.GroupId))
	}
	return kind.Show(d, map[string]any{
		"primary_network_interface_id": primary.NetworkInterfaceId,
		"private_dns":                  found.PrivateDnsName,
		"private_ip":                   found.PrivateIpAddress,
		"public_dns":                   found.PublicDnsName,
		"public_ip":                    found.PublicIpAddress,
		"source_dest_check":            found.SourceDestCheck,
		"subnet_id":                    found.SubnetId,
		"vpc_security_group_ids":       groups,
	})
}

// showAttributes sets what DescribeInstances leaves out.
func showAttributes(ctx context.Context, c *cloud.Cloud, d *kind.Data, _ types.Instance) error {
	ask := func(name types.InstanceAttributeName) (*ec2.DescribeInstanceAttributeOutput, error) {
		answer, err := c.EC2.DescribeInstanceAttribute(
			ctx,
			&ec2.DescribeInstanceAttributeInput{InstanceId: aws.String(d.Id()), Attribute: name},
		)
		return answer, cloud.AsGone(err)
	}
	shutdown, err := ask(types.InstanceAttributeNameInstanceInitiatedShutdownBehavior)
	if err != nil {
		return err
	}
	data, err := ask(types.InstanceAttributeNameUserData)
	if err != nil {
		return err
	}
	fields := map[string]any{}
	if value := shutdown.InstanceInitiatedShutdownBehavior; value != nil {
		fields["instance_initiated_shutdown_behavior"] = value.Value
	}
	if value := data.UserData; value != nil && value.Value != nil {
		name, text := shownUserData(d, aws.ToString(value.Value))
		fields[name] = text
	}
	return kind.Show(d, fields)
}

// shownUserData keeps the spelling of the program: the other one would be a difference that the user did not
// make.
func shownUserData(d *kind.Data, encoded string) (field, value string) {
	if _, given := d.GetOk("user_data_base64"); given {
		return "user_data_base64", encoded
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "user_data", encoded
	}
	return "user_data", string(text)
}
