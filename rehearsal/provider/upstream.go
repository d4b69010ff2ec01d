package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	fwschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/functions"
	"microcosm.local/rehearsal/provider/kind"
	"microcosm.local/rehearsal/provider/kinds"
	"microcosm.local/rehearsal/provider/rules"
)

// tuning lists the settings that only say how the official plugin finds AWS; the stand-in takes and ignores
// them.
var tuning = []string{
	"s3_use_path_style",
	"skip_credentials_validation",
	"skip_metadata_api_check",
	"skip_region_validation",
	"skip_requesting_account_id",
}

// upstream is the SDKv2 half of the provider.
func upstream() *schema.Provider {
	made := &schema.Provider{
		Schema: kind.Schema{
			"default_tags": kind.Block(kind.Schema{"tags": kind.Tags()}, kind.Optional),
			"max_retries":  kind.Int(kind.Optional),
			"region":       kind.Text(kind.Optional),
		},
		ResourcesMap:         map[string]*schema.Resource{},
		DataSourcesMap:       map[string]*schema.Resource{},
		ConfigureContextFunc: configure,
	}
	for _, name := range tuning {
		made.Schema[name] = kind.Bool(kind.Optional)
	}
	for _, each := range kinds.All {
		made.ResourcesMap[each.Type] = each.Resource()
	}
	for _, each := range functions.All {
		made.DataSourcesMap[each.Type] = each.Resource()
	}
	return made
}

func configure(ctx context.Context, d *schema.ResourceData) (any, diag.Diagnostics) {
	region := d.Get("region").(string)
	if region == "" {
		return nil, diag.Errorf("%s", noRegion)
	}
	tags := map[string]string{}
	if block, given := d.Get("default_tags").([]any); given && len(block) > 0 && block[0] != nil {
		tags = kind.TextMap(block[0].(map[string]any)["tags"])
	}
	opened, err := cloud.Open(ctx, region, attempts(d.Get("max_retries").(int)), tags)
	return opened, diag.FromErr(err)
}

const noRegion = "no AWS region is configured; set aws:region or AWS_REGION"

func attempts(given int) int {
	if given == 0 {
		return cloud.DefaultAttempts
	}
	return given
}

// framework is the other half, for the types that the official provider writes on the plugin framework.
type framework struct{}

type settings struct {
	DefaultTags []struct {
		Tags map[string]string `tfsdk:"tags"`
	} `tfsdk:"default_tags"`
	MaxRetries types.Int64  `tfsdk:"max_retries"`
	Region     types.String `tfsdk:"region"`

	PathStyle     types.Bool `tfsdk:"s3_use_path_style"`
	NoCredentials types.Bool `tfsdk:"skip_credentials_validation"`
	NoMetadata    types.Bool `tfsdk:"skip_metadata_api_check"`
	NoRegions     types.Bool `tfsdk:"skip_region_validation"`
	NoAccount     types.Bool `tfsdk:"skip_requesting_account_id"`
}

func (framework) Metadata(
	_ context.Context,
	_ provider.MetadataRequest,
	response *provider.MetadataResponse,
) {
	response.TypeName = "aws"
}

func (framework) Schema(_ context.Context, _ provider.SchemaRequest, response *provider.SchemaResponse) {
	response.Schema = fwschema.Schema{
		Attributes: map[string]fwschema.Attribute{
			"max_retries": fwschema.Int64Attribute{Optional: true},
			"region":      fwschema.StringAttribute{Optional: true},
		},
		Blocks: map[string]fwschema.Block{
			"default_tags": fwschema.ListNestedBlock{NestedObject: fwschema.NestedBlockObject{
				Attributes: map[string]fwschema.Attribute{
					"tags": fwschema.MapAttribute{Optional: true, ElementType: types.StringType},
				},
			}},
		},
	}
	for _, name := range tuning {
		response.Schema.Attributes[name] = fwschema.BoolAttribute{Optional: true}
	}
}

func (framework) Configure(
	ctx context.Context,
	request provider.ConfigureRequest,
	response *provider.ConfigureResponse,
) {
	var given settings
	response.Diagnostics.Append(request.Config.Get(ctx, &given)...)
	if given.Region.ValueString() == "" {
		response.Diagnostics.AddError("No region", noRegion)
	}
	if response.Diagnostics.HasError() {
		return
	}
	tags := map[string]string{}
	for _, block := range given.DefaultTags {
		tags = block.Tags
	}
	opened, err := cloud.Open(
		ctx,
		given.Region.ValueString(),
		attempts(int(given.MaxRetries.ValueInt64())),
		tags,
	)
	if err != nil {
		response.Diagnostics.AddError("Configuring the AWS SDK", err.Error())
		return
	}
	response.ResourceData = opened
}

func (framework) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (framework) Resources(context.Context) []func() resource.Resource {
	var made []func() resource.Resource
	for _, each := range rules.All {
		made = append(made, func() resource.Resource { return rules.New(each) })
	}
	return made
}
