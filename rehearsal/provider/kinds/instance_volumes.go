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

func showVolumes(ctx context.Context, c *cloud.Cloud, d *kind.Data, found types.Instance) error {
	device := rootDevice(found)
	volume, err := rootVolume(ctx, c, device)
	if err != nil {
		return err
	}
	root := map[string]any{
		"delete_on_termination": aws.ToBool(device.DeleteOnTermination),
		"device_name":           aws.ToString(found.RootDeviceName),
		"encrypted":             aws.ToBool(volume.Encrypted),
		"volume_id":             aws.ToString(volume.VolumeId),
		"volume_size":           int(aws.ToInt32(volume.Size)),
		"volume_type":           string(volume.VolumeType),
	}
	fields := map[string]any{"root_block_device": []any{root}}
	if len(kind.TextMap(d.Get("volume_tags"))) > 0 {
		fields["volume_tags"] = cloud.FromEC2(volume.Tags)
	}
	return kind.Show(d, fields)
}

func updateVolumes(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	root, _ := block(d, "root_block_device")
	volume, _ := root["volume_id"].(string)
	if d.HasChanges("root_block_device.0.volume_size", "root_block_device.0.volume_type") {
		_, err := c.EC2.ModifyVolume(ctx, &ec2.ModifyVolumeInput{
			Size:       positive(root["volume_size"]),
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
					DeleteOnTermination: aws.Bool(root["delete_on_termination"].(bool)),
					VolumeId:            aws.String(volume),
				},
			}},
		})
		if err != nil {
			return err
		}
	}
	if !d.HasChange("volume_tags") {
		return nil
	}
	present, err := rootVolume(ctx, c, &types.EbsInstanceBlockDevice{VolumeId: aws.String(volume)})
	if err != nil {
		return err
	}
	return c.RetagEC2(ctx, volume, cloud.FromEC2(present.Tags), kind.TextMap(d.Get("volume_tags")))
}
