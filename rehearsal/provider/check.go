package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// check runs before the bridge's own Check: it refuses what this stand-in does not model, and merges the tags
// as
// Pulumi's provider does (pulumi/pulumi-aws, provider/tags.go, applyTags).
func check(of shim.Resource, info *tfbridge.ResourceInfo) tfbridge.PreCheckCallback {
	_, tagged := of.Schema().GetOk("tags_all")
	return func(_ context.Context, inputs, config resource.PropertyMap) (resource.PropertyMap, error) {
		if unknown := unmodelled(inputs, of.Schema(), info.Fields, ""); len(unknown) > 0 {
			return nil, fmt.Errorf(
				"the stand-in aws provider does not model %s of %s; leave it out, or add it to rehearsal/provider",
				strings.Join(unknown, ", "),
				info.Tok,
			)
		}
		checked := inputs.Copy()
		if tagged {
			checked["tagsAll"] = allTags(inputs["tags"], config["defaultTags"])
		}
		return checked, nil
	}
}

// unmodelled lists the paths of the inputs that have no place in the schema.
func unmodelled(
	inputs resource.PropertyMap,
	fields shim.SchemaMap,
	infos map[string]*tfbridge.SchemaInfo,
	path string,
) []string {
	modelled := map[resource.PropertyKey]shim.Schema{}
	fields.Range(func(name string, field shim.Schema) bool {
		if field.Optional() || field.Required() {
			modelled[resource.PropertyKey(tfbridge.TerraformToPulumiNameV2(name, fields, infos))] = field
		}
		return true
	})
	var unknown []string
	for name, value := range inputs {
		if strings.HasPrefix(string(name), "__") {
			continue
		}
		field, there := modelled[name]
		if !there {
			unknown = append(unknown, path+string(name))
		} else if block, isBlock := field.Elem().(shim.Resource); isBlock {
			unknown = append(unknown, inBlocks(value, block, path+string(name)+".")...)
		}
	}
	slices.Sort(unknown)
	return unknown
}

func inBlocks(value resource.PropertyValue, block shim.Resource, path string) []string {
	switch {
	case value.IsObject():
		return unmodelled(value.ObjectValue(), block.Schema(), nil, path)
	case value.IsArray():
		var unknown []string
		for _, item := range value.ArrayValue() {
			unknown = append(unknown, inBlocks(item, block, path)...)
		}
		return unknown
	}
	return nil
}

// allTags puts the resource's own tags over the provider's defaults; what is not known makes the whole
// unknown.
func allTags(own, defaults resource.PropertyValue) resource.PropertyValue {
	if own.ContainsUnknowns() || defaults.ContainsUnknowns() {
		return resource.NewOutputProperty(resource.Output{Known: false})
	}
	all := resource.PropertyMap{}
	if defaults.IsObject() {
		addTags(all, defaults.ObjectValue()["tags"])
	}
	addTags(all, own)
	return resource.NewObjectProperty(all)
}

func addTags(all resource.PropertyMap, tags resource.PropertyValue) {
	if tags.IsObject() {
		for key, value := range tags.ObjectValue() {
			all[key] = value
		}
	}
}
