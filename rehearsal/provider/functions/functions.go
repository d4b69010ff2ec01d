// Package functions is the data sources: what a program may ask AWS while it runs. The official provider has
// region,
// partition and caller_identity in its framework half; to a program that makes no difference.
package functions

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Function is one data source.
type Function struct {
	Type   string // Terraform's name
	Token  string // Pulumi's
	Schema kind.Schema
	// Read sets the answer and returns its id.
	Read func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error)
}

// All lists every function. Schemas: terraform-provider-aws 6.x, website/docs/d.
var All = []*Function{
	&callerIdentity,
	&instanceTypeOfferings,
	&parameter,
	&partition,
	&region,
}

// Resource makes the function a data source of Terraform.
func (f *Function) Resource() *schema.Resource {
	return &schema.Resource{
		Schema: f.Schema,
		ReadContext: func(ctx context.Context, d *kind.Data, meta any) diag.Diagnostics {
			id, err := f.Read(ctx, meta.(*cloud.Cloud), d)
			if err != nil {
				return diag.Errorf("%s", cloud.Sentence(err))
			}
			d.SetId(id)
			return nil
		},
	}
}

var callerIdentity = Function{
	Type:  "aws_caller_identity",
	Token: "aws:index/getCallerIdentity:getCallerIdentity",
	Schema: kind.Schema{
		"account_id": kind.Text(kind.Computed),
		"arn":        kind.Text(kind.Computed),
		"user_id":    kind.Text(kind.Computed),
	},
	Read: func(_ context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		found, err := c.Identity()
		if err != nil {
			return "", err
		}
		fields := map[string]any{"account_id": found.Account, "arn": found.Arn, "user_id": found.UserId}
		return aws.ToString(found.Account), kind.Show(d, fields)
	},
}

var partition = Function{
	Type: "aws_partition", Token: "aws:index/getPartition:getPartition",
	Schema: kind.Schema{
		"dns_suffix":         kind.Text(kind.Computed),
		"partition":          kind.Text(kind.Computed),
		"reverse_dns_prefix": kind.Text(kind.Computed),
	},
	Read: func(_ context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		fields := map[string]any{
			"dns_suffix":         "amazonaws.com",
			"partition":          c.Partition(),
			"reverse_dns_prefix": "com.amazonaws",
		}
		return c.Partition(), kind.Show(d, fields)
	},
}

var region = Function{
	Type: "aws_region", Token: "aws:index/getRegion:getRegion",
	Schema: kind.Schema{
		"description": kind.Text(kind.Computed), "endpoint": kind.Text(kind.Optional, kind.Computed),
		"name": kind.Text(kind.Optional, kind.Computed), "region": kind.Text(kind.Optional, kind.Computed),
	},
	Read: func(_ context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		name := c.Region
		for _, field := range []string{"name", "region"} {
			if given := kind.Given(d, field); given != nil {
				name = *given
			}
		}
		return name, kind.Show(d, map[string]any{
			"description": name,
			"endpoint":    fmt.Sprintf("ec2.%s.amazonaws.com", name),
			"name":        name,
			"region":      name,
		})
	},
}
