package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema, id and calls: terraform-provider-aws 5.x at 02f97af85f89, internal/service/iam/role_policy.go.
var rolePolicy = kind.Kind{
	Type:     "aws_iam_role_policy",
	Token:    "aws:iam/rolePolicy:RolePolicy",
	Noun:     "IAM role policy",
	Global:   true,
	Untagged: true,
	Name:     &kind.Name{Field: "name", Pulumi: "name", Length: 128},
	Fields:   map[string]*tfbridge.SchemaInfo{"policy": {Transform: tfbridge.TransformJSONDocument}},
	Schema: kind.Schema{
		"name":   kind.Text(kind.Fixed, kind.Checked(validation.StringLenBetween(1, 128))),
		"policy": kind.Text(kind.Required, kind.Checked(validation.StringIsJSON), kind.Policy),
		"role":   kind.Text(kind.Required, kind.Replaces),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		return fmt.Sprintf("%s:%s", d.Get("role"), d.Get("name")), putPolicy(ctx, c, d)
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		role, name, _ := strings.Cut(d.Id(), ":")
		answer, err := c.IAM.GetRolePolicy(
			ctx,
			&iam.GetRolePolicyInput{RoleName: aws.String(role), PolicyName: aws.String(name)},
		)
		if err != nil {
			return cloud.AsGone(err)
		}
		return kind.Show(
			d,
			map[string]any{
				"name":   name,
				"policy": document(d, "policy", answer.PolicyDocument),
				"role":   role,
			},
		)
	},
	Update: putPolicy,
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		role, name, _ := strings.Cut(d.Id(), ":")
		_, err := c.IAM.DeleteRolePolicy(
			ctx,
			&iam.DeleteRolePolicyInput{RoleName: aws.String(role), PolicyName: aws.String(name)},
		)
		return cloud.UnlessGone(err)
	},
	Import: kind.ByID,
}

func putPolicy(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	_, err := c.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		PolicyDocument: kind.Given(d, "policy"),
		PolicyName:     kind.Given(d, "name"),
		RoleName:       kind.Given(d, "role"),
	})
	return err
}
