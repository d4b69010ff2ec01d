package kinds

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/hashicorp/go-cty/cty"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/customdiff"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

var parameterValues = kind.ExactlyOneOf("value_wo", "value")

// Schema, plan and calls: terraform-provider-aws 6.x at 0073593e7d69, internal/service/ssm/parameter.go.
var parameter = kind.Kind{
	Type:  "aws_ssm_parameter",
	Token: "aws:ssm/parameter:Parameter",
	Noun:  "SSM parameter",
	Name:  &kind.Name{Field: "name", Pulumi: "name", Length: 255},
	Schema: kind.Schema{
		"arn":          kind.Text(kind.Optional, kind.Computed),
		"data_type":    kind.Text(kind.Computed),
		"description":  kind.Text(kind.Optional, kind.Checked(validation.StringLenBetween(0, 1024))),
		"has_value_wo": kind.Bool(kind.Computed),
		"key_id":       kind.Text(kind.Optional, kind.Computed),
		"name":         kind.Text(kind.Required, kind.Replaces, kind.Checked(validation.StringLenBetween(1, 2048))),
		"tier":         kind.Text(kind.Computed),
		"type": kind.Text(kind.Required,
			kind.Checked(validation.StringInSlice([]string{"String", "StringList", "SecureString"}, false))),
		"value": kind.Text(kind.Optional, kind.Computed, kind.Sensitive, parameterValues),
		"value_wo": kind.Text(kind.Optional, kind.Sensitive, kind.WriteOnly, parameterValues,
			kind.RequiredWith("value_wo_version")),
		"value_wo_version": kind.Int(kind.Optional, kind.RequiredWith("value_wo")),
		"version":          kind.Int(kind.Computed),
	},
	Plan: customdiff.Sequence(
		customdiff.ComputedIf("version", func(_ context.Context, diff *schema.ResourceDiff, _ any) bool {
			return diff.HasChange("value") || !diff.NewValueKnown("value") || diff.HasChange("description")
		}),
		customdiff.ComputedIf("has_value_wo", func(_ context.Context, diff *schema.ResourceDiff, _ any) bool {
			return diff.HasChange("value_wo_version") || !diff.NewValueKnown("value_wo_version")
		}),
	),
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		input, err := put(d)
		if err != nil {
			return "", err
		}
		// SSM takes tags only with a parameter that is new.
		input.Tags = ssmPairs(kind.AllTags(d))
		_, err = c.SSM.PutParameter(ctx, input)
		return d.Get("name").(string), err
	},
	Read: readParameter,
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if !d.HasChangesExcept("tags", "tags_all") {
			return nil
		}
		input, err := put(d)
		if err != nil {
			return err
		}
		if !d.HasChange("description") {
			input.Description = nil
		} else {
			// Absent means unchanged: a description that is no longer wanted is written as empty.
			input.Description = aws.String(d.Get("description").(string))
		}
		_, err = c.SSM.PutParameter(ctx, input)
		return err
	},
	Retag: retagParameter,
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.SSM.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: kind.Given(d, "name")})
		return cloud.UnlessGone(err)
	},
	Import: func(_ context.Context, _ *cloud.Cloud, d *kind.Data) error { return d.Set("has_value_wo", false) },
}

// put is the call that writes the parameter as the program wants it.
func put(d *kind.Data) (*ssm.PutParameterInput, error) {
	value := d.Get("value").(string)
	if d.IsNewResource() || d.HasChange("value_wo_version") {
		// Where only something else changes there is no other value to send, and SSM refuses the empty one.
		unseen, err := writeOnly(d)
		if err != nil {
			return nil, err
		}
		if unseen != "" {
			value = unseen
		}
	}
	input := &ssm.PutParameterInput{
		Description: kind.Given(d, "description"),
		Name:        kind.Given(d, "name"),
		Overwrite:   aws.Bool(!d.IsNewResource()),
		Type:        types.ParameterType(d.Get("type").(string)),
		Value:       aws.String(value),
	}
	if input.Type == types.ParameterTypeSecureString {
		input.KeyId = kind.Given(d, "key_id")
	}
	return input, nil
}

func writeOnly(d *kind.Data) (string, error) {
	raw, diags := d.GetRawConfigAt(cty.GetAttrPath("value_wo"))
	if diags.HasError() {
		return "", fmt.Errorf("reading value_wo: %s", diags[0].Summary)
	}
	if raw.IsNull() || !raw.IsKnown() {
		return "", nil
	}
	return raw.AsString(), nil
}

func ssmPairs(tags map[string]string) []types.Tag {
	return cloud.Pairs(tags, func(key, value *string) types.Tag { return types.Tag{Key: key, Value: value} })
}
