package main

import (
	"encoding/json"
	"os"
	"slices"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// namesFlag asks for the names instead of the plugin: a test compares them with Pulumi's SDK.
const namesFlag = "-names"

// properties lists the paths that a type models, in Pulumi's spelling.
type properties struct {
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
}

// printNames writes every token with its properties as JSON.
func printNames(info tfbridge.ProviderInfo) error {
	made := map[string]properties{}
	for name, each := range info.Resources {
		made[string(each.Tok)] = propertiesOf(info.P.ResourcesMap().Get(name), each.Fields)
	}
	for name, each := range info.DataSources {
		made[string(each.Tok)] = propertiesOf(info.P.DataSourcesMap().Get(name), each.Fields)
	}
	return json.NewEncoder(os.Stdout).Encode(made)
}

func propertiesOf(of shim.Resource, infos map[string]*tfbridge.SchemaInfo) properties {
	made := properties{Inputs: []string{}, Outputs: []string{}}
	var add func(shim.SchemaMap, map[string]*tfbridge.SchemaInfo, string)
	add = func(fields shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo, path string) {
		fields.Range(func(name string, field shim.Schema) bool {
			full := path + tfbridge.TerraformToPulumiNameV2(name, fields, infos)
			made.Outputs = append(made.Outputs, full)
			if field.Optional() || field.Required() {
				made.Inputs = append(made.Inputs, full)
			}
			if block, isBlock := field.Elem().(shim.Resource); isBlock {
				add(block.Schema(), nil, full+".")
			}
			return true
		})
	}
	add(of.Schema(), infos, "")
	slices.Sort(made.Inputs)
	slices.Sort(made.Outputs)
	return made
}
