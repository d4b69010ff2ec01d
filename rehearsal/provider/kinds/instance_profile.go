package kinds

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 6.x at 013f1736b904 (2026),
// internal/service/iam/instance_profile.go.
var instanceProfile = kind.Kind{
	Type:   "aws_iam_instance_profile",
	Token:  "aws:iam/instanceProfile:InstanceProfile",
	Noun:   "IAM instance profile",
	Global: true,
	Name:   &kind.Name{Field: "name", Pulumi: "name", Length: 128},
	Schema: kind.Schema{
		"arn":         kind.Text(kind.Computed),
		"create_date": kind.Text(kind.Computed),
		"name":        kind.Text(kind.Fixed, kind.Checked(validation.StringLenBetween(1, 128))),
		"path":        kind.Text(kind.Optional, kind.Replaces, kind.Default("/")),
		"role":        kind.Text(kind.Optional),
		"unique_id":   kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
			InstanceProfileName: kind.Given(d, "name"),
			Path:                kind.Given(d, "path"),
			Tags:                iamPairs(kind.AllTags(d)),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.InstanceProfile.InstanceProfileName), nil
	},
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return addRole(ctx, c, d.Id(), d.Get("role").(string))
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		answer, err := c.IAM.GetInstanceProfile(
			ctx,
			&iam.GetInstanceProfileInput{InstanceProfileName: aws.String(d.Id())},
		)
		if err != nil {
			return cloud.AsGone(err)
		}
		found := answer.InstanceProfile
		role, _ := first(found.Roles)
		if err := kind.Show(d, map[string]any{
			"arn":         found.Arn,
			"create_date": found.CreateDate.Format(time.RFC3339),
			"name":        found.InstanceProfileName,
			"path":        found.Path,
			"role":        role.RoleName,
			"unique_id":   found.InstanceProfileId,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, fromIAM(found.Tags))
	},
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if !d.HasChange("role") {
			return nil
		}
		before, after := d.GetChange("role")
		if err := removeRole(ctx, c, d.Id(), before.(string)); err != nil {
			return err
		}
		return addRole(ctx, c, d.Id(), after.(string))
	},
	Retag: func(ctx context.Context, c *cloud.Cloud, d *kind.Data, from, to map[string]string) error {
		name := aws.String(d.Id())
		return cloud.Retag(from, to, func(removed []string) error {
			_, err := c.IAM.UntagInstanceProfile(
				ctx,
				&iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: removed},
			)
			return err
		}, func(written map[string]string) error {
			_, err := c.IAM.TagInstanceProfile(
				ctx,
				&iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: iamPairs(written)},
			)
			return err
		})
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if err := removeRole(ctx, c, d.Id(), d.Get("role").(string)); err != nil {
			return err
		}
		return cloud.WhenReleased(ctx, kind.Patience(d), deleteConflict, func() error {
			_, err := c.IAM.DeleteInstanceProfile(
				ctx,
				&iam.DeleteInstanceProfileInput{InstanceProfileName: aws.String(d.Id())},
			)
			return err
		})
	},
	Import: kind.ByID,
}

// addRole repeats what IAM refuses for a role that is new and not seen everywhere (instanceProfileAddRole
// there).
func addRole(ctx context.Context, c *cloud.Cloud, profile, role string) error {
	if role == "" {
		return nil
	}
	isNew := func(err error) bool {
		return cloud.Code(err) == "NoSuchEntity" && strings.Contains(cloud.Message(err), "The role with name")
	}
	return cloud.While(ctx, cloud.Propagation, isNew, func() error {
		_, err := c.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
			InstanceProfileName: aws.String(profile), RoleName: aws.String(role),
		})
		return err
	})
}

func removeRole(ctx context.Context, c *cloud.Cloud, profile, role string) error {
	if role == "" {
		return nil
	}
	_, err := c.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
		InstanceProfileName: aws.String(profile), RoleName: aws.String(role),
	})
	return cloud.UnlessGone(err)
}
