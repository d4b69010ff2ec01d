// Package rules is the framework half of the stand-in: the rules of security groups, which the official
// provider writes
// on the plugin framework, too. Schema, plan and calls: terraform-provider-aws 4.x at 00a322094b4b,
// internal/service/ec2/vpc_security_group_ingress_rule.go; tags come with the creation since 5.x (#38552).
package rules

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"microcosm.local/rehearsal/provider/cloud"
)

// Direction is what the two types differ in.
type Direction struct {
	Type  string // Terraform's name
	Token string // Pulumi's
	Noun  string
	out   bool
}

// All lists the types.
var All = []Direction{
	{
		"aws_vpc_security_group_egress_rule",
		"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
		"security group egress rule",
		true,
	},
	{
		"aws_vpc_security_group_ingress_rule",
		"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
		"security group ingress rule",
		false,
	},
}

// New makes the resource of a direction.
func New(direction Direction) resource.Resource { return &rule{Direction: direction} }

type rule struct {
	Direction
	cloud *cloud.Cloud
}

// data is the fields of a rule.
type data struct {
	ARN         types.String `tfsdk:"arn"`
	CIDRv4      types.String `tfsdk:"cidr_ipv4"`
	CIDRv6      types.String `tfsdk:"cidr_ipv6"`
	Description types.String `tfsdk:"description"`
	FromPort    types.Int64  `tfsdk:"from_port"`
	ID          types.String `tfsdk:"id"`
	Protocol    types.String `tfsdk:"ip_protocol"`
	Referenced  types.String `tfsdk:"referenced_security_group_id"`
	Region      types.String `tfsdk:"region"`
	Group       types.String `tfsdk:"security_group_id"`
	RuleID      types.String `tfsdk:"security_group_rule_id"`
	Tags        types.Map    `tfsdk:"tags"`
	TagsAll     types.Map    `tfsdk:"tags_all"`
	ToPort      types.Int64  `tfsdk:"to_port"`
}

func (r *rule) Metadata(_ context.Context, _ resource.MetadataRequest, response *resource.MetadataResponse) {
	response.TypeName = r.Type
}

func (r *rule) Schema(_ context.Context, _ resource.SchemaRequest, response *resource.SchemaResponse) {
	kept := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	replacing := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	tags := schema.MapAttribute{Optional: true, ElementType: types.StringType}
	response.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"arn":                          schema.StringAttribute{Computed: true, PlanModifiers: kept},
		"cidr_ipv4":                    schema.StringAttribute{Optional: true},
		"cidr_ipv6":                    schema.StringAttribute{Optional: true},
		"description":                  schema.StringAttribute{Optional: true},
		"from_port":                    schema.Int64Attribute{Optional: true},
		"id":                           schema.StringAttribute{Computed: true, PlanModifiers: kept},
		"ip_protocol":                  schema.StringAttribute{Required: true},
		"referenced_security_group_id": schema.StringAttribute{Optional: true},
		"region": schema.StringAttribute{
			Optional:      true,
			Computed:      true,
			PlanModifiers: append(kept, replacing...),
		},
		"security_group_id":      schema.StringAttribute{Required: true, PlanModifiers: replacing},
		"security_group_rule_id": schema.StringAttribute{Computed: true, PlanModifiers: kept},
		"tags":                   tags,
		"tags_all":               tags,
		"to_port":                schema.Int64Attribute{Optional: true},
	}}
}

func (r *rule) Configure(
	_ context.Context,
	request resource.ConfigureRequest,
	_ *resource.ConfigureResponse,
) {
	r.cloud, _ = request.ProviderData.(*cloud.Cloud)
}

func (r *rule) ImportState(
	ctx context.Context,
	request resource.ImportStateRequest,
	response *resource.ImportStateResponse,
) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), request, response)
}

// sources returns what a rule lets traffic from or to, by the name of the field.
func (d *data) sources() map[string]types.String {
	return map[string]types.String{
		"cidr_ipv4":                    d.CIDRv4,
		"cidr_ipv6":                    d.CIDRv6,
		"referenced_security_group_id": d.Referenced,
	}
}

// source names the field that is given.
func (d *data) source() string {
	for name, value := range d.sources() {
		if !value.IsNull() {
			return name
		}
	}
	return ""
}

func (r *rule) ValidateConfig(
	ctx context.Context,
	request resource.ValidateConfigRequest,
	response *resource.ValidateConfigResponse,
) {
	var wanted data
	response.Diagnostics.Append(request.Config.Get(ctx, &wanted)...)
	given := 0
	for _, value := range wanted.sources() {
		if !value.IsNull() {
			given++
		}
	}
	if !response.Diagnostics.HasError() && given != 1 {
		response.Diagnostics.AddError("Invalid Attribute Combination", fmt.Sprintf(
			"Exactly one of cidrIpv4, cidrIpv6 and referencedSecurityGroupId must be given, got %d.", given))
	}
}

// ModifyPlan fills in the region, and replaces a rule whose source becomes one of another kind.
func (r *rule) ModifyPlan(
	ctx context.Context,
	request resource.ModifyPlanRequest,
	response *resource.ModifyPlanResponse,
) {
	if request.Plan.Raw.IsNull() {
		return
	}
	var old, wanted data
	response.Diagnostics.Append(request.Plan.Get(ctx, &wanted)...)
	if r.cloud != nil && !response.Diagnostics.HasError() {
		r.planRegion(ctx, wanted, response)
	}
	if request.State.Raw.IsNull() {
		return
	}
	response.Diagnostics.Append(request.State.Get(ctx, &old)...)
	if before, after := old.source(), wanted.source(); !response.Diagnostics.HasError() && before != after {
		response.RequiresReplace = append(response.RequiresReplace, path.Root(before), path.Root(after))
	}
}

func (r *rule) planRegion(ctx context.Context, wanted data, response *resource.ModifyPlanResponse) {
	if wanted.Region.IsUnknown() || wanted.Region.IsNull() {
		response.Diagnostics.Append(response.Plan.SetAttribute(ctx, path.Root("region"), r.cloud.Region)...)
	} else if wanted.Region.ValueString() != r.cloud.Region {
		response.Diagnostics.AddError("Another region", fmt.Sprintf(
			"the stand-in aws provider works in %s, its configured region, and not in %s",
			r.cloud.Region,
			wanted.Region.ValueString(),
		))
	}
}

func complain(diagnostics *diag.Diagnostics, doing string, r *rule, id string, err error) {
	diagnostics.AddError(fmt.Sprintf("%s %s %s", doing, r.Noun, id), cloud.Sentence(err))
}
