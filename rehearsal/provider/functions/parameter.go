package functions

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

var parameter = Function{
	Type: "aws_ssm_parameter", Token: "aws:ssm/getParameter:getParameter",
	Schema: kind.Schema{
		"arn":             kind.Text(kind.Computed),
		"insecure_value":  kind.Text(kind.Computed),
		"name":            kind.Text(kind.Required),
		"type":            kind.Text(kind.Computed),
		"value":           kind.Text(kind.Computed, kind.Sensitive),
		"version":         kind.Int(kind.Computed),
		"with_decryption": kind.Bool(kind.Optional, kind.Default(true)),
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		name := d.Get("name").(string)
		answer, err := c.SSM.GetParameter(ctx, &ssm.GetParameterInput{
			Name: aws.String(name), WithDecryption: aws.Bool(d.Get("with_decryption").(bool)),
		})
		if cloud.IsGone(err) {
			return "", fmt.Errorf("there is no SSM parameter %s in %s", name, c.Region)
		}
		if err != nil {
			return "", err
		}
		found := answer.Parameter
		readable := found.Value
		if found.Type == types.ParameterTypeSecureString {
			readable = nil
		}
		return name, kind.Show(d, map[string]any{
			"arn":            found.ARN,
			"insecure_value": readable,
			"type":           found.Type,
			"value":          found.Value,
			"version":        found.Version,
		})
	},
}
