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

// updates lists what can change in place, in the order of the official provider's resourceInstanceUpdate.
var updates = []struct {
	fields []string
	apply  kind.Call
}{
	{[]string{"iam_instance_profile"}, updateProfile},
	{[]string{"source_dest_check"}, setSourceCheck},
	{[]string{"vpc_security_group_ids"}, updateGroups},
	{[]string{"instance_type"}, updateType},
	{[]string{"user_data", "user_data_base64"}, updateUserData},
	{[]string{"instance_initiated_shutdown_behavior"}, updateShutdown},
	{[]string{"metadata_options"}, updateMetadata},
	{[]string{"root_block_device", "volume_tags"}, updateVolumes},
}

func updateInstance(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	for _, each := range updates {
		if !d.HasChanges(each.fields...) {
			continue
		}
		if err := each.apply(ctx, c, d); err != nil {
			return err
		}
	}
	return nil
}

// profileIsNew recognises an instance profile, or its role, that EC2 does not see yet.
func profileIsNew(err error) bool {
	text := cloud.Message(err)
	return cloud.Code(err) == "InvalidParameterValue" &&
		(strings.Contains(text, "Invalid IAM Instance Profile") ||
			strings.Contains(text, " has no associated IAM Roles"))
}

func updateProfile(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	answer, err := c.EC2.DescribeIamInstanceProfileAssociations(
		ctx,
		&ec2.DescribeIamInstanceProfileAssociationsInput{
			Filters: []types.Filter{filter("instance-id", d.Id())},
		},
	)
	if err != nil {
		return err
	}
	present, associated := first(answer.IamInstanceProfileAssociations)
	name := kind.Given(d, "iam_instance_profile")
	wanted := &types.IamInstanceProfileSpecification{Name: name}
	return cloud.While(ctx, cloud.Propagation, profileIsNew, func() (err error) {
		switch {
		case name == nil && associated:
			_, err = c.EC2.DisassociateIamInstanceProfile(
				ctx,
				&ec2.DisassociateIamInstanceProfileInput{AssociationId: present.AssociationId},
			)
		case name == nil:
		case associated:
			_, err = c.EC2.ReplaceIamInstanceProfileAssociation(
				ctx,
				&ec2.ReplaceIamInstanceProfileAssociationInput{
					AssociationId: present.AssociationId, IamInstanceProfile: wanted,
				},
			)
		default:
			_, err = c.EC2.AssociateIamInstanceProfile(ctx, &ec2.AssociateIamInstanceProfileInput{
				InstanceId: aws.String(d.Id()), IamInstanceProfile: wanted,
			})
		}
		return err
	})
}

func modify(
	ctx context.Context,
	c *cloud.Cloud,
	d *kind.Data,
	input *ec2.ModifyInstanceAttributeInput,
) error {
	input.InstanceId = aws.String(d.Id())
	_, err := c.EC2.ModifyInstanceAttribute(ctx, input)
	return err
}

func setSourceCheck(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	value := aws.Bool(d.Get("source_dest_check").(bool))
	return modify(
		ctx,
		c,
		d,
		&ec2.ModifyInstanceAttributeInput{SourceDestCheck: &types.AttributeBooleanValue{Value: value}},
	)
}

// updateShutdown goes by name and value: moto knows no other form for this attribute.
func updateShutdown(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	return modify(ctx, c, d, &ec2.ModifyInstanceAttributeInput{
		Attribute: types.InstanceAttributeNameInstanceInitiatedShutdownBehavior,
		Value:     kind.Given(d, "instance_initiated_shutdown_behavior"),
	})
}

func updateGroups(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	_, err := c.EC2.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{
		NetworkInterfaceId: kind.Given(d, "primary_network_interface_id"),
		Groups:             kind.Texts(d.Get("vpc_security_group_ids")),
	})
	return err
}

// whileStopped changes what AWS changes of a stopped instance only. User data is not run again at the next
// start.
func whileStopped(
	ctx context.Context,
	c *cloud.Cloud,
	d *kind.Data,
	input *ec2.ModifyInstanceAttributeInput,
) error {
	ids := []string{d.Id()}
	if _, err := c.EC2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids}); err != nil {
		return err
	}
	if err := reaches(ctx, c, d.Id(), types.InstanceStateNameStopped); err != nil {
		return err
	}
	if err := modify(ctx, c, d, input); err != nil {
		return err
	}
	if _, err := c.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}); err != nil {
		return err
	}
	return reaches(ctx, c, d.Id(), types.InstanceStateNameRunning)
}

func updateType(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	value := &types.AttributeValue{Value: kind.Given(d, "instance_type")}
	return whileStopped(ctx, c, d, &ec2.ModifyInstanceAttributeInput{InstanceType: value})
}

func updateUserData(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	raw, err := base64.StdEncoding.DecodeString(userData(d))
	if err != nil {
		return err
	}
	// The SDK encodes a blob itself.
	return whileStopped(
		ctx,
		c,
		d,
		&ec2.ModifyInstanceAttributeInput{UserData: &types.SecureBlobAttributeValue{Value: raw}},
	)
}

// userData returns the data in base64, as RunInstances takes it.
func userData(d *kind.Data) string {
	if encoded := d.Get("user_data_base64").(string); encoded != "" {
		return encoded
	}
	if text := d.Get("user_data").(string); text != "" {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return ""
}

func launchMetadata(d *kind.Data) *types.InstanceMetadataOptionsRequest {
	fields, given := block(d, "metadata_options")
	if !given {
		return nil
	}
	return &types.InstanceMetadataOptionsRequest{
		HttpEndpoint:            types.InstanceMetadataEndpointState(fields["http_endpoint"].(string)),
		HttpProtocolIpv6:        types.InstanceMetadataProtocolState(fields["http_protocol_ipv6"].(string)),
		HttpPutResponseHopLimit: positive(fields["http_put_response_hop_limit"]),
		HttpTokens:              types.HttpTokensState(fields["http_tokens"].(string)),
		InstanceMetadataTags:    types.InstanceMetadataTagsState(fields["instance_metadata_tags"].(string)),
	}
}

func updateMetadata(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	options := launchMetadata(d)
	if options == nil {
		return nil
	}
	_, err := c.EC2.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{
		HttpEndpoint:            options.HttpEndpoint,
		HttpProtocolIpv6:        options.HttpProtocolIpv6,
		HttpPutResponseHopLimit: options.HttpPutResponseHopLimit,
		HttpTokens:              options.HttpTokens,
		InstanceId:              aws.String(d.Id()),
		InstanceMetadataTags:    options.InstanceMetadataTags,
	})
	return err
}

// block returns the fields of an object that may be absent.
func block(d *kind.Data, name string) (map[string]any, bool) {
	item, _ := first(d.Get(name).([]any))
	fields, given := item.(map[string]any)
	return fields, given
}

func positive(value any) *int32 {
	if number := value.(int); number > 0 {
		return aws.Int32(int32(number))
	}
	return nil
}
