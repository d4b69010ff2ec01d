package kind

import (
	"encoding/json"
	"reflect"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"microcosm.local/rehearsal/provider/cloud"
)

// Schema is the fields of a resource or of a block.
type Schema = map[string]*schema.Schema

// Trait changes one thing about a field.
type Trait func(*schema.Schema)

func Required(s *schema.Schema) { s.Required = true }
func Optional(s *schema.Schema) { s.Optional = true }
func Computed(s *schema.Schema) { s.Computed = true }
func Replaces(s *schema.Schema) { s.ForceNew = true }

// Chosen is a field that AWS chooses where the program does not.
func Chosen(s *schema.Schema) { s.Optional, s.Computed = true, true }

// Fixed is a field that AWS chooses where the program does not, once for all.
func Fixed(s *schema.Schema) { s.Optional, s.Computed, s.ForceNew = true, true, true }

func Sensitive(s *schema.Schema) { s.Sensitive = true }
func WriteOnly(s *schema.Schema) { s.WriteOnly = true }

// Default is the value that Terraform, and so Pulumi's Check, writes where the program gives none.
func Default(value any) Trait { return func(s *schema.Schema) { s.Default = value } }

func ConflictsWith(fields ...string) Trait {
	return func(s *schema.Schema) { s.ConflictsWith = fields }
}

func ExactlyOneOf(fields ...string) Trait {
	return func(s *schema.Schema) { s.ExactlyOneOf = fields }
}

func AtLeastOneOf(fields ...string) Trait {
	return func(s *schema.Schema) { s.AtLeastOneOf = fields }
}

func RequiredWith(fields ...string) Trait {
	return func(s *schema.Schema) { s.RequiredWith = fields }
}

// Checked refuses values before anything is made.
func Checked(check schema.SchemaValidateFunc) Trait {
	return func(s *schema.Schema) { s.ValidateFunc = check }
}

// Policy compares texts as the JSON that they mean.
func Policy(s *schema.Schema) {
	s.DiffSuppressFunc = func(_, old, new string, _ *schema.ResourceData) bool { return SameJSON(old, new) }
	s.DiffSuppressOnRefresh = true
}

func field(kind schema.ValueType, traits []Trait) *schema.Schema {
	s := &schema.Schema{Type: kind}
	for _, trait := range traits {
		trait(s)
	}
	return s
}

func Text(traits ...Trait) *schema.Schema { return field(schema.TypeString, traits) }
func Bool(traits ...Trait) *schema.Schema { return field(schema.TypeBool, traits) }
func Int(traits ...Trait) *schema.Schema  { return field(schema.TypeInt, traits) }

// TextSet is a list whose order means nothing to AWS.
func TextSet(traits ...Trait) *schema.Schema {
	s := field(schema.TypeSet, traits)
	s.Elem = &schema.Schema{Type: schema.TypeString}
	return s
}

func TextList(traits ...Trait) *schema.Schema {
	s := field(schema.TypeList, traits)
	s.Elem = &schema.Schema{Type: schema.TypeString}
	return s
}

// Block is one object; Pulumi shows it without the list around it.
func Block(fields Schema, traits ...Trait) *schema.Schema {
	s := field(schema.TypeList, traits)
	s.MaxItems, s.Elem = 1, &schema.Resource{Schema: fields}
	return s
}

// Blocks is a set of objects that may also be computed as a whole (ConfigMode attr, as the official provider
// has it).
func Blocks(fields Schema, traits ...Trait) *schema.Schema {
	s := field(schema.TypeSet, traits)
	s.Elem = &schema.Resource{Schema: fields}
	return s
}

// Tags is a map of texts. tags_all has it too: Pulumi's patch of the official provider makes it an input,
// which its
// Check fills in (pulumi/pulumi-aws, provider/tags.go).
func Tags(traits ...Trait) *schema.Schema {
	s := field(schema.TypeMap, append(traits, Optional))
	s.Elem = &schema.Schema{Type: schema.TypeString}
	return s
}

// TextMap reads a map field.
func TextMap(value any) map[string]string {
	texts := map[string]string{}
	for key, each := range value.(map[string]any) {
		texts[key] = each.(string)
	}
	return texts
}

// AllTags returns the tags that the resource gets in AWS.
func AllTags(d *Data) map[string]string { return TextMap(d.Get("tags_all")) }

// ShowTags sets the tags as AWS shows them, and those of them that are the resource's own.
func ShowTags(c *cloud.Cloud, d *Data, tags map[string]string) error {
	return Show(d, map[string]any{"tags": c.Own(tags, TextMap(d.Get("tags"))), "tags_all": tags})
}

// Show sets fields as AWS shows them.
func Show(d *Data, fields map[string]any) error {
	for name, value := range fields {
		if err := d.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// Given returns a text field, or nil where it is empty.
func Given(d *Data, name string) *string {
	if value, there := d.GetOk(name); there {
		text := value.(string)
		return &text
	}
	return nil
}

// IsGiven reports whether the program gives the field, even with its zero value.
func IsGiven(d *Data, name string) bool {
	raw := d.GetRawConfig()
	return !raw.IsNull() && !raw.GetAttr(name).IsNull()
}

// Texts reads a set or a list of texts.
func Texts(value any) []string {
	items, isList := value.([]any)
	if !isList {
		items = value.(*schema.Set).List()
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i], _ = item.(string)
	}
	return texts
}

// SameJSON compares two texts as JSON, or as they are where they are none.
func SameJSON(a, b string) bool {
	var left, right any
	if json.Unmarshal([]byte(a), &left) != nil || json.Unmarshal([]byte(b), &right) != nil {
		return a == b
	}
	return reflect.DeepEqual(left, right)
}
