package kinds

import (
	"context"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// deleteConflict is IAM's code for a thing that still has others attached.
var deleteConflict = []string{"DeleteConflict"}

// Schema and calls: terraform-provider-aws 4.x at 0040ea6911af, internal/service/iam/role.go. Policies inside
// a role are
// not modelled: they have resources of their own.
var role = kind.Kind{
	Type:   "aws_iam_role",
	Token:  "aws:iam/role:Role",
	Noun:   "IAM role",
	Global: true,
	Name:   &kind.Name{Field: "name", Pulumi: "name", Length: 64},
	Fields: map[string]*tfbridge.SchemaInfo{
		"assume_role_policy": {Transform: tfbridge.TransformJSONDocument},
	},
	Schema: kind.Schema{
		"arn":                  kind.Text(kind.Computed),
		"assume_role_policy":   kind.Text(kind.Required, kind.Checked(validation.StringIsJSON), kind.Policy),
		"create_date":          kind.Text(kind.Computed),
		"description":          kind.Text(kind.Optional, kind.Checked(validation.StringLenBetween(0, 1000))),
		"max_session_duration": kind.Int(kind.Computed),
		"name":                 kind.Text(kind.Fixed, kind.Checked(validation.StringLenBetween(1, 64))),
		"path": kind.Text(kind.Optional, kind.Replaces, kind.Default("/"),
			kind.Checked(validation.StringLenBetween(0, 512))),
		"permissions_boundary": kind.Text(kind.Optional),
		"unique_id":            kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.IAM.CreateRole(ctx, &iam.CreateRoleInput{
			AssumeRolePolicyDocument: kind.Given(d, "assume_role_policy"),
			Description:              kind.Given(d, "description"),
			Path:                     kind.Given(d, "path"),
			PermissionsBoundary:      kind.Given(d, "permissions_boundary"),
			RoleName:                 kind.Given(d, "name"),
			Tags:                     iamPairs(kind.AllTags(d)),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.Role.RoleName), nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		answer, err := c.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(d.Id())})
		if err != nil {
			return cloud.AsGone(err)
		}
		found := answer.Role
		boundary := (*string)(nil)
		if found.PermissionsBoundary != nil {
			boundary = found.PermissionsBoundary.PermissionsBoundaryArn
		}
		if err := kind.Show(d, map[string]any{
			"arn":                  found.Arn,
			"assume_role_policy":   document(d, "assume_role_policy", found.AssumeRolePolicyDocument),
			"create_date":          found.CreateDate.Format(time.RFC3339),
			"description":          found.Description,
			"max_session_duration": found.MaxSessionDuration,
			"name":                 found.RoleName,
			"path":                 found.Path,
			"permissions_boundary": boundary,
			"unique_id":            found.RoleId,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, fromIAM(found.Tags))
	},
	Update: updateRole,
	Retag: func(ctx context.Context, c *cloud.Cloud, d *kind.Data, from, to map[string]string) error {
		name := aws.String(d.Id())
		return cloud.Retag(from, to, func(removed []string) error {
			_, err := c.IAM.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: removed})
			return err
		}, func(written map[string]string) error {
			_, err := c.IAM.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: iamPairs(written)})
			return err
		})
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return cloud.WhenReleased(ctx, kind.Patience(d), deleteConflict, func() error {
			_, err := c.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String(d.Id())})
			return err
		})
	},
	Import: kind.ByID,
}

func updateRole(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	name := aws.String(d.Id())
	if d.HasChange("assume_role_policy") {
		document := kind.Given(d, "assume_role_policy")
		if _, err := c.IAM.UpdateAssumeRolePolicy(
			ctx,
			&iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: document},
		); err != nil {
			return err
		}
	}
	if d.HasChange("description") {
		_, err := c.IAM.UpdateRole(ctx, &iam.UpdateRoleInput{
			Description: aws.String(d.Get("description").(string)),
			RoleName:    name,
		})
		if err != nil {
			return err
		}
	}
	if !d.HasChange("permissions_boundary") {
		return nil
	}
	if boundary := kind.Given(d, "permissions_boundary"); boundary != nil {
		_, err := c.IAM.PutRolePermissionsBoundary(
			ctx,
			&iam.PutRolePermissionsBoundaryInput{PermissionsBoundary: boundary, RoleName: name},
		)
		return err
	}
	_, err := c.IAM.DeleteRolePermissionsBoundary(
		ctx,
		&iam.DeleteRolePermissionsBoundaryInput{RoleName: name},
	)
	return err
}

// document decodes a policy as IAM sends it, URL-encoded, and keeps the program's spelling where both mean
// the same.
func document(d *kind.Data, field string, encoded *string) string {
	text, err := url.QueryUnescape(aws.ToString(encoded))
	if err != nil {
		text = aws.ToString(encoded)
	}
	if known := d.Get(field).(string); kind.SameJSON(known, text) {
		return known
	}
	return text
}

func iamPairs(tags map[string]string) []types.Tag {
	return cloud.Pairs(tags, func(key, value *string) types.Tag { return types.Tag{Key: key, Value: value} })
}

func fromIAM(list []types.Tag) map[string]string {
	return cloud.FromPairs(list, func(tag types.Tag) (*string, *string) { return tag.Key, tag.Value })
}
