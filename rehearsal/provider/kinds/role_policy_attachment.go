package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema: terraform-provider-aws 6.x, website/docs/r/iam_role_policy_attachment.html.markdown. The id, which
// has no
// meaning there either, is ROLE/POLICYARN: the id that an import takes.
var rolePolicyAttachment = kind.Kind{
	Type: "aws_iam_role_policy_attachment", Token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
	Noun: "IAM role policy attachment", Global: true, Untagged: true,
	Schema: kind.Schema{
		"policy_arn": kind.Text(kind.Required, kind.Replaces),
		"role":       kind.Text(kind.Required, kind.Replaces),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		_, err := c.IAM.AttachRolePolicy(
			ctx,
			&iam.AttachRolePolicyInput{
				RoleName:  kind.Given(d, "role"),
				PolicyArn: kind.Given(d, "policy_arn"),
			},
		)
		return fmt.Sprintf("%s/%s", d.Get("role"), d.Get("policy_arn")), err
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		role, arn, _ := strings.Cut(d.Id(), "/")
		answer, err := c.IAM.ListAttachedRolePolicies(
			ctx,
			&iam.ListAttachedRolePoliciesInput{RoleName: aws.String(role)},
		)
		if err != nil {
			return cloud.AsGone(err)
		}
		for _, each := range answer.AttachedPolicies {
			if aws.ToString(each.PolicyArn) == arn {
				return kind.Show(d, map[string]any{"policy_arn": arn, "role": role})
			}
		}
		return cloud.ErrGone
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.IAM.DetachRolePolicy(
			ctx,
			&iam.DetachRolePolicyInput{
				RoleName:  kind.Given(d, "role"),
				PolicyArn: kind.Given(d, "policy_arn"),
			},
		)
		return cloud.UnlessGone(err)
	},
	Import: kind.ByID,
}
