package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

var rootFields = kind.Schema{
	"delete_on_termination": kind.Bool(kind.Optional, kind.Default(true)),
	"device_name":           kind.Text(kind.Computed),
	"encrypted":             kind.Bool(kind.Optional, kind.Computed, kind.Replaces),
	"tags":                  kind.Tags(kind.ConflictsWith("volume_tags")),
	"volume_id":             kind.Text(kind.Computed),
	"volume_size":           kind.Int(kind.Optional, kind.Computed),
	"volume_type":           kind.Text(kind.Optional, kind.Computed),
}

// rootMapping says what the root volume must be; the image knows the name of its device.
func rootMapping(ctx context.Context, c *cloud.Cloud, d *kind.Data) ([]types.BlockDeviceMapping, error) {
	root, given := block(d, "root_block_device")
	if !given {
		return nil, nil
	}
	answer, err := c.EC2.DescribeImages(
		ctx,
		&ec2.DescribeImagesInput{ImageIds: []string{d.Get("ami").(string)}},
	)
	if err != nil {
		return nil, err
	}
	image, there := first(answer.Images)
	if !there {
		return nil, cloud.ErrGone
	}
	ebs := &types.EbsBlockDevice{
		DeleteOnTermination: aws.Bool(root["delete_on_termination"].(bool)),
		VolumeSize:          positive(root["volume_size"]),
		VolumeType:          types.VolumeType(root["volume_type"].(string)),
	}
	if root["encrypted"].(bool) {
		ebs.Encrypted = aws.Bool(true)
	}
	return []types.BlockDeviceMapping{{DeviceName: image.RootDeviceName, Ebs: ebs}}, nil
}

func rootDevice(found types.Instance) *types.EbsInstanceBlockDevice {
	for _, each := range found.BlockDeviceMappings {
		if aws.ToString(each.DeviceName) == aws.ToString(found.RootDeviceName) && each.Ebs != nil {
			return each.Ebs
		}
	}
	return nil
}

func rootVolume(
	ctx context.Context,
	c *cloud.Cloud,
	device *types.EbsInstanceBlockDevice,
) (types.Volume, error) {
	if device == nil {
		return types.Volume{}, cloud.ErrGone
	}
	answer, err := c.EC2.DescribeVolumes(
		ctx,
		&ec2.DescribeVolumesInput{VolumeIds: []string{aws.ToString(device.VolumeId)}},
	)
	if err != nil {
		return types.Volume{}, cloud.AsGone(err)
	}
	volume, there := first(answer.Volumes)
	if !there {
		return volume, cloud.ErrGone
	}
	return volume, nil
}

// rootTags are the provider's defaults and the block's own tags; volume_tags takes the place of both.
func rootTags(c *cloud.Cloud, d *kind.Data) map[string]string {
	if volume := kind.TextMap(d.Get("volume_tags")); len(volume) > 0 {
		return volume
	}
	root, given := block(d, "root_block_device")
	if !given {
		return c.Merged(nil)
	}
	return c.Merged(kind.TextMap(root["tags"]))
}

// tagNewRoot tags the root volume of a new instance; with volume_tags the launch has done it.
func tagNewRoot(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	tags := rootTags(c, d)
	if len(tags) == 0 || len(kind.TextMap(d.Get("volume_tags"))) > 0 {
		return nil
	}
	found, err := describeInstance(ctx, c, d.Id())
	if err != nil {
		return err
	}
	device := rootDevice(found)
	if device == nil {
		return cloud.ErrGone
	}
	return c.RetagEC2(ctx, aws.ToString(device.VolumeId), nil, tags)
}

func showVolumes(ctx context.Context, c *cloud.Cloud, d *kind.Data, found types.Instance) error {
	device := rootDevice(found)
	volume, err := rootVolume(ctx, c, device)
	if err != nil {
		return err
	}
	tags := cloud.FromEC2(volume.Tags)
	root := map[string]any{
		"delete_on_termination": aws.ToBool(
			device.DeleteOnTermination,
		),
		"device_name": aws.ToString(found.RootDeviceName),
		"encrypted":   aws.ToBool(volume.Encrypted),
		"volume_id":   aws.ToString(volume.VolumeId),
		"volume_size": int(aws.ToInt32(volume.Size)),
		"volume_type": string(volume.VolumeType),
	}
	if len(kind.TextMap(d.Get("volume_tags"))) > 0 {
		return kind.Show(d, map[string]any{"root_block_device": []any{root}, "volume_tags": tags})
	}
	known := map[string]string{}
	if fields, given := block(d, "root_block_device"); given {
		known = kind.TextMap(fields["tags"])
	}
	root["tags"] = c.Own(tags, known)
	return d.Set("root_block_device", []any{root})
}

func updateVolumes(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	root, _ := block(d, "root_block_device")
	volume, _ := root["volume_id"].(string)
	if d.HasChanges("root_block_device.0.volume_size", "root_block_device.0.volume_type") {
		_, err := c.EC2.ModifyVolume(ctx, &ec2.ModifyVolumeInput{
			Size: positive(
				root["volume_size"],
			),
			VolumeId:   aws.String(volume),
			VolumeType: types.VolumeType(root["volume_type"].(string)),
		})
		if err != nil {
			return err
		}
	}
	if d.HasChange("root_block_device.0.delete_on_termination") {
		err := modify(ctx, c, d, &ec2.ModifyInstanceAttributeInput{
			BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{
				DeviceName: aws.String(root["device_name"].(string)),
				Ebs: &types.EbsInstanceBlockDeviceSpecification{
					DeleteOnTermination: aws.Bool(
						root["delete_on_termination"].(bool),
					),
					VolumeId: aws.String(volume),
				},
			}},
		})
		if err != nil {
			return err
		}
	}
	if !d.HasChanges("volume_tags", "root_block_device.0.tags") {
		return nil
	}
	present, err := rootVolume(ctx, c, &types.EbsInstanceBlockDevice{VolumeId: aws.String(volume)})
	if err != nil {
		return err
	}
	return c.RetagEC2(ctx, volume, cloud.FromEC2(present.Tags), rootTags(c, d))
}
