package main

import (
	"context"
	"encoding/json"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"microcosm.local/rehearsal/provider/functions"
	"microcosm.local/rehearsal/provider/kind"
	"microcosm.local/rehearsal/provider/kinds"
	"microcosm.local/rehearsal/provider/rules"
)

// The halves of the muxed provider, as the bridge numbers them.
const (
	sdkHalf = iota
	frameworkHalf
)

// generated is the length of the random end of a name (tfbridge.AutoName).
const generated = 7

func providerInfo() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:         pf.MuxShimWithPF(context.Background(), shimv2.NewProvider(upstream()), framework{}),
		Name:      "aws",
		Version:   version,
		Resources: map[string]*tfbridge.ResourceInfo{},
		// Pulumi's function tokens; data sources have no other settings here.
		DataSources: map[string]*tfbridge.DataSourceInfo{},
		Config: map[string]*tfbridge.SchemaInfo{
			"default_tags": {MaxItemsOne: tfbridge.True()},
			"region": {
				Default: &tfbridge.DefaultInfo{EnvVars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}},
			},
		},
		EnableAccurateBridgePreview:   true,
		EnableAccuratePFBridgePreview: true,
	}
	resources, invokes := map[string]int{}, map[string]int{}
	for _, each := range kinds.All {
		resources[each.Token] = sdkHalf
		info.Resources[each.Type] = &tfbridge.ResourceInfo{Tok: tokens.Type(each.Token), Fields: fields(each)}
	}
	for _, each := range rules.All {
		resources[each.Token] = frameworkHalf
		info.Resources[each.Type] = &tfbridge.ResourceInfo{Tok: tokens.Type(each.Token)}
	}
	for _, each := range functions.All {
		invokes[each.Token] = sdkHalf
		info.DataSources[each.Type] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(each.Token)}
	}
	for name, each := range info.Resources {
		each.PreCheckCallback = check(info.P.ResourcesMap().Get(name), each)
	}
	info.MetadataInfo = tfbridge.NewProviderMetadata(dispatch(resources, invokes))
	return info
}

// dispatch says which half has which token; without it the bridge does not start ("Missing precomputed
// mapping").
func dispatch(resources, invokes map[string]int) []byte {
	table, err := json.Marshal(
		map[string]any{"mux": map[string]any{"resources": resources, "functions": invokes}},
	)
	if err != nil {
		panic(err)
	}
	return table
}

// fields adds the generated name to what the type says of its fields.
func fields(of *kind.Kind) map[string]*tfbridge.SchemaInfo {
	made := map[string]*tfbridge.SchemaInfo{}
	for name, each := range of.Fields {
		made[name] = each
	}
	if of.Name != nil {
		made[of.Name.Field] = tfbridge.AutoNameWithCustomOptions(of.Name.Pulumi, tfbridge.AutoNameOptions{
			Separator: "-", Maxlen: of.Name.Length, Randlen: generated, Transform: of.Name.Change,
		})
	}
	return made
}
