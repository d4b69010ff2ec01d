package kinds

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/customdiff"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 4.x at 0015dfcd06d5, internal/service/ec2/ec2_instance.go. Since
// 6.0 user_data is kept in clear text (hashicorp/terraform-provider-aws#42078). Launch templates are not
// modelled, so ami and
// instance_type must be given.
var instance = kind.Kind{
	Type: "aws_instance", Token: "aws:ec2/instance:Instance", Noun: "EC2 instance",
	Schema: kind.Schema{
		"ami":                                  kind.Text(kind.Fixed, kind.AtLeastOneOf("ami")),
		"arn":                                  kind.Text(kind.Computed),
		"availability_zone":                    kind.Text(kind.Computed),
		"iam_instance_profile":                 kind.Text(kind.Optional, kind.Computed),
		"instance_initiated_shutdown_behavior": kind.Text(kind.Optional, kind.Computed),
		"instance_state":                       kind.Text(kind.Computed),
		"instance_type":                        kind.Text(kind.Chosen, kind.AtLeastOneOf("instance_type")),
		"key_name":                             kind.Text(kind.Optional, kind.Computed, kind.Replaces),
		"metadata_options":                     kind.Block(metadataFields, kind.Optional, kind.Computed),
		"primary_network_interface_id":         kind.Text(kind.Computed),
		"private_dns":                          kind.Text(kind.Computed),
		"private_ip":                           kind.Text(kind.Computed),
		"public_dns":                           kind.Text(kind.Computed),
		"public_ip":                            kind.Text(kind.Computed),
		"root_block_device":                    kind.Block(rootFields, kind.Optional, kind.Computed),
		"source_dest_check":                    kind.Bool(kind.Optional, kind.Default(true)),
		"subnet_id":                            kind.Text(kind.Optional, kind.Computed, kind.Replaces),
		"user_data": kind.Text(kind.Optional, kind.Computed, kind.ConflictsWith("user_data_base64"),
			kind.Checked(validation.StringLenBetween(0, 16384))),
		"user_data_base64": kind.Text(kind.Optional, kind.Computed, kind.ConflictsWith("user_data"),
			kind.Checked(validation.StringIsBase64)),
		"user_data_replace_on_change": kind.Bool(kind.Optional, kind.Default(false)),
		"volume_tags":                 kind.Tags(),
		"vpc_security_group_ids":      kind.TextSet(kind.Optional, kind.Computed),
	},
	Plan: customdiff.All(
		customdiff.ForceNewIf("user_data", replacesForUserData),
		customdiff.ForceNewIf("user_data_base64", replacesForUserData),
	),
	Create:   launch,
	Complete: settle,
	Read:     readInstance,
	Update:   updateInstance,
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{d.Id()}})
		if err != nil {
			return cloud.UnlessGone(err)
		}
		return cloud.UnlessGone(reaches(ctx, c, d.Id(), terminated))
	},
	Import: kind.ByID,
}

var metadataFields = kind.Schema{
	"http_endpoint": kind.Text(kind.Optional, kind.Computed,
		kind.Checked(validation.StringInSlice([]string{"enabled", "disabled"}, false))),
	"http_protocol_ipv6": kind.Text(kind.Optional, kind.Computed),
	"http_put_response_hop_limit": kind.Int(kind.Optional, kind.Computed,
		kind.Checked(validation.IntBetween(1, 64))),
	"http_tokens": kind.Text(kind.Optional, kind.Computed,
		kind.Checked(validation.StringInSlice([]string{"optional", "required"}, false))),
	"instance_metadata_tags": kind.Text(kind.Optional, kind.Computed,
		kind.Checked(validation.StringInSlice([]string{"enabled", "disabled"}, false))),
}

func replacesForUserData(_ context.Context, diff *schema.ResourceDiff, _ any) bool {
	return diff.Get("user_data_replace_on_change").(bool)
}

// launch makes the instance. The SDK puts a client token into the call, the same one in each of its own
// retries.
func launch(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
	volumes, err := rootMapping(ctx, c, d)
	if err != nil {
		return "", err
	}
	input := &ec2.RunInstancesInput{
		BlockDeviceMappings: volumes,
		ImageId:             kind.Given(d, "ami"),
		InstanceInitiatedShutdownBehavior: types.ShutdownBehavior(
			d.Get("instance_initiated_shutdown_behavior").(string),
		),
		InstanceType:     types.InstanceType(d.Get("instance_type").(string)),
		KeyName:          kind.Given(d, "key_name"),
		MaxCount:         aws.Int32(1),
		MinCount:         aws.Int32(1),
		SecurityGroupIds: kind.Texts(d.Get("vpc_security_group_ids")),
		SubnetId:         kind.Given(d, "subnet_id"),
		TagSpecifications: append(
			cloud.OnCreation(types.ResourceTypeInstance, kind.AllTags(d)),
			cloud.OnCreation(types.ResourceTypeVolume, kind.TextMap(d.Get("volume_tags")))...),
	}
	if name := kind.Given(d, "iam_instance_profile"); name != nil {
		input.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: name}
	}
	if data := userData(d); data != "" {
		input.UserData = aws.String(data)
	}
	input.MetadataOptions = launchMetadata(d)
	var made *ec2.RunInstancesOutput
	err = cloud.While(ctx, cloud.Propagation, profileIsNew, func() (err error) {
		made, err = c.EC2.RunInstances(ctx, input)
		return err
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(made.Instances[0].InstanceId), nil
}

// settle waits for the start, and does what the launch cannot.
func settle(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	if err := reaches(ctx, c, d.Id(), types.InstanceStateNameRunning); err != nil {
		return err
	}
	if !d.Get("source_dest_check").(bool) {
		if err := setSourceCheck(ctx, c, d); err != nil {
			return err
		}
	}
	return nil
}

const (
	shuttingDown = types.InstanceStateNameShuttingDown
	terminated   = types.InstanceStateNameTerminated
)

func reasonOf(found types.Instance) string {
	if found.StateReason == nil {
		return "AWS gives no reason"
	}
	return aws.ToString(found.StateReason.Message)
}

// reaches waits for a state. An instance that ends instead of starting is an error.
func reaches(ctx context.Context, c *cloud.Cloud, id string, wanted types.InstanceStateName) error {
	event := "the state " + string(wanted) + " of " + id
	return cloud.Until(ctx, event, cloud.StateChange, func() (bool, error) {
		found, err := describeInstance(ctx, c, id)
		if err != nil {
			// A new instance may not be visible everywhere at once.
			if cloud.IsGone(err) && wanted == types.InstanceStateNameRunning {
				return false, nil
			}
			return false, err
		}
		state := found.State.Name
		if state != wanted && (state == shuttingDown || state == terminated) && wanted != terminated {
			return false, fmt.Errorf("it is %s instead of %s: %s", state, wanted, reasonOf(found))
		}
		return state == wanted, nil
	})
}
