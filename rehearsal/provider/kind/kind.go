// Package kind makes Terraform resources of a table's rows: what all types do alike is written here, once.
package kind

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/customdiff"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"microcosm.local/rehearsal/provider/cloud"
)

// Data is a resource of Terraform: the inputs that are wanted over the state that was.
type Data = schema.ResourceData

// Call does one part of a resource's life in AWS.
type Call func(ctx context.Context, c *cloud.Cloud, d *Data) error

// Kind is one resource type.
type Kind struct {
	Type  string // Terraform's name
	Token string // Pulumi's
	Noun  string // what errors call it

	Name   *Name
	Fields map[string]*tfbridge.SchemaInfo // what the bridge must know of single fields besides the name

	Global   bool // of the account, not of a region
	Untagged bool
	Schema   Schema // without tags and region, which Resource adds
	Plan     schema.CustomizeDiffFunc

	// Create makes it in one call to AWS and returns its id: what fails later must not leave something
	// without an owner.
	Create func(ctx context.Context, c *cloud.Cloud, d *Data) (string, error)
	// Complete does what AWS only accepts after the creation.
	Complete Call
	// Read sets what AWS shows; cloud.ErrGone where the resource does not exist.
	Read Call
	// Update makes AWS match, tags aside.
	Update Call
	// Retag changes the tags; the default is that of EC2.
	Retag func(ctx context.Context, c *cloud.Cloud, d *Data, from, to map[string]string) error
	// Delete removes it, and returns when it is gone.
	Delete Call
	// Import makes the id and the fields that Read needs of the id that the user gives.
	Import func(ctx context.Context, c *cloud.Cloud, d *Data) error
}

// Name is a field that Pulumi fills in where the program does not.
type Name struct {
	Field  string // Terraform's name of it
	Pulumi string
	Length int
	Change func(string) string
}

// Resource makes the row a resource of Terraform.
func (k *Kind) Resource() *schema.Resource {
	resource := &schema.Resource{
		Schema:        k.schema(),
		CustomizeDiff: k.plan(),
		CreateContext: k.create,
		ReadContext:   k.read,
		DeleteContext: k.explained("deleting", k.Delete),
		Timeouts: &schema.ResourceTimeout{
			Create: schema.DefaultTimeout(cloud.StateChange),
			Update: schema.DefaultTimeout(cloud.StateChange),
			Delete: schema.DefaultTimeout(cloud.Release),
		},
	}
	if k.Update != nil || !k.Untagged {
		resource.UpdateContext = k.update
	}
	if k.Import != nil {
		resource.Importer = &schema.ResourceImporter{StateContext: k.importer}
	}
	return resource
}

func (k *Kind) schema() Schema {
	full := Schema{}
	for name, field := range k.Schema {
		full[name] = field
	}
	if !k.Untagged {
		full["tags"], full["tags_all"] = Tags(), Tags()
	}
	if !k.Global {
		full["region"] = Text(Optional, Computed, Replaces)
	}
	return full
}

func (k *Kind) plan() schema.CustomizeDiffFunc {
	steps := []schema.CustomizeDiffFunc{}
	if !k.Global {
		steps = append(steps, inRegion)
	}
	if k.Plan != nil {
		steps = append(steps, k.Plan)
	}
	if len(steps) == 0 {
		return nil
	}
	return customdiff.Sequence(steps...)
}

// inRegion fills in the provider's region, and refuses another one: the stand-in has clients for one region.
func inRegion(_ context.Context, diff *schema.ResourceDiff, meta any) error {
	c, configured := meta.(*cloud.Cloud)
	if !configured {
		return nil
	}
	if given := diff.GetRawConfig().GetAttr("region"); given.IsKnown() && !given.IsNull() {
		if given.AsString() != c.Region {
			return fmt.Errorf(
				"the stand-in aws provider works in %s, its configured region, and not in %s",
				c.Region,
				given.AsString(),
			)
		}
		return nil
	}
	if diff.Id() == "" {
		return diff.SetNew("region", c.Region)
	}
	return nil
}

func (k *Kind) create(ctx context.Context, d *Data, meta any) diag.Diagnostics {
	c := meta.(*cloud.Cloud)
	id, err := k.Create(ctx, c, d)
	if err != nil {
		return k.complain("creating", d, err)
	}
	d.SetId(id)
	if k.Complete != nil {
		if err := k.Complete(ctx, c, d); err != nil {
			return k.complain("creating", d, err)
		}
	}
	// A new object may not be visible everywhere at once.
	if err := cloud.While(
		ctx,
		cloud.Propagation,
		cloud.IsGone,
		func() error { return k.show(ctx, c, d) },
	); err != nil {
		return k.complain("reading", d, err)
	}
	return nil
}

func (k *Kind) read(ctx context.Context, d *Data, meta any) diag.Diagnostics {
	err := k.show(ctx, meta.(*cloud.Cloud), d)
	if err != nil && cloud.IsGone(err) {
		d.SetId("")
		return nil
	}
	return k.complain("reading", d, err)
}

func (k *Kind) show(ctx context.Context, c *cloud.Cloud, d *Data) error {
	if !k.Global {
		if err := d.Set("region", c.Region); err != nil {
			return err
		}
	}
	return k.Read(ctx, c, d)
}

func (k *Kind) update(ctx context.Context, d *Data, meta any) diag.Diagnostics {
	c := meta.(*cloud.Cloud)
	if k.Update != nil {
		if err := k.Update(ctx, c, d); err != nil {
			return k.complain("updating", d, err)
		}
	}
	if !k.Untagged && d.HasChange("tags_all") {
		if err := k.retag(ctx, c, d); err != nil {
			return k.complain("updating the tags of", d, err)
		}
	}
	return k.complain("reading", d, k.show(ctx, c, d))
}

func (k *Kind) retag(ctx context.Context, c *cloud.Cloud, d *Data) error {
	from, to := d.GetChange("tags_all")
	if k.Retag != nil {
		return k.Retag(ctx, c, d, TextMap(from), TextMap(to))
	}
	return c.RetagEC2(ctx, d.Id(), TextMap(from), TextMap(to))
}

func (k *Kind) explained(doing string, call Call) func(context.Context, *Data, any) diag.Diagnostics {
	return func(ctx context.Context, d *Data, meta any) diag.Diagnostics {
		return k.complain(doing, d, call(ctx, meta.(*cloud.Cloud), d))
	}
}

func (k *Kind) importer(ctx context.Context, d *Data, meta any) ([]*Data, error) {
	if err := k.Import(ctx, meta.(*cloud.Cloud), d); err != nil {
		return nil, fmt.Errorf("importing %s %s: %s", k.Noun, d.Id(), cloud.Sentence(err))
	}
	return []*Data{d}, nil
}

// ByID imports a resource that its id alone finds.
func ByID(context.Context, *cloud.Cloud, *Data) error { return nil }

func (k *Kind) complain(doing string, d *Data, err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	subject := k.Noun
	if d.Id() != "" {
		subject += " " + d.Id()
	}
	return diag.Errorf("%s %s: %s", doing, subject, cloud.Sentence(err))
}

// Patience is how long a deletion may wait for others to let go: the program's own timeout, or cloud.Release.
func Patience(d *Data) time.Duration { return d.Timeout(schema.TimeoutDelete) }
