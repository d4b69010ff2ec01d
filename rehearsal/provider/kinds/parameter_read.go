package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

func readParameter(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	name := aws.String(d.Id())
	answer, err := c.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return cloud.AsGone(err)
	}
	found := answer.Parameter
	if err := showValue(d, found); err != nil {
		return err
	}
	details, err := c.SSM.DescribeParameters(
		ctx,
		&ssm.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{
			{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{d.Id()}},
		}},
	)
	if err != nil {
		return err
	}
	detail, there := first(details.Parameters)
	if !there {
		return cloud.ErrGone
	}
	if err := kind.Show(d, map[string]any{
		"arn":         found.ARN,
		"data_type":   found.DataType,
		"description": detail.Description,
		"key_id":      detail.KeyId,
		"name":        found.Name,
		"tier":        detail.Tier,
		"type":        found.Type,
		"version":     found.Version,
	}); err != nil {
		return err
	}
	tags, err := c.SSM.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{
		ResourceId: name, ResourceType: types.ResourceTypeForTaggingParameter,
	})
	if err != nil {
		return cloud.AsGone(err)
	}
	return kind.ShowTags(
		c,
		d,
		cloud.FromPairs(tags.TagList, func(tag types.Tag) (*string, *string) { return tag.Key, tag.Value }),
	)
}

// showValue sets what the state holds of the value: nothing of one that is write-only.
func showValue(d *kind.Data, found *types.Parameter) error {
	unseen := d.Get("has_value_wo").(bool)
	if !d.GetRawConfig().IsNull() {
		given, err := writeOnly(d)
		if err != nil {
			return err
		}
		unseen = given != ""
	}
	if unseen {
		return kind.Show(d, map[string]any{"has_value_wo": true, "value": nil})
	}
	if err := d.Set("has_value_wo", nil); err != nil {
		return err
	}
	return d.Set("value", found.Value)
}

func retagParameter(ctx context.Context, c *cloud.Cloud, d *kind.Data, from, to map[string]string) error {
	id, kindOf := aws.String(d.Id()), types.ResourceTypeForTaggingParameter
	return cloud.Retag(from, to, func(removed []string) error {
		_, err := c.SSM.RemoveTagsFromResource(
			ctx,
			&ssm.RemoveTagsFromResourceInput{ResourceId: id, ResourceType: kindOf, TagKeys: removed},
		)
		return err
	}, func(written map[string]string) error {
		_, err := c.SSM.AddTagsToResource(
			ctx,
			&ssm.AddTagsToResourceInput{ResourceId: id, ResourceType: kindOf, Tags: ssmPairs(written)},
		)
		return err
	})
}
