package rules

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"microcosm.local/rehearsal/provider/cloud"
)

func (r *rule) Create(
	ctx context.Context,
	request resource.CreateRequest,
	response *resource.CreateResponse,
) {
	var wanted data
	response.Diagnostics.Append(request.Plan.Get(ctx, &wanted)...)
	if response.Diagnostics.HasError() {
		return
	}
	made, err := r.authorize(ctx, &wanted)
	if err != nil {
		complain(&response.Diagnostics, "creating", r, "", err)
		return
	}
	id := aws.ToString(made[0].SecurityGroupRuleId)
	arn, err := r.cloud.EC2ARN(aws.ToString(made[0].GroupOwnerId), "security-group-rule/"+id)
	if err != nil {
		complain(&response.Diagnostics, "creating", r, id, err)
	}
	wanted.ARN, wanted.ID, wanted.RuleID = types.StringValue(arn), types.StringValue(id), types.StringValue(id)
	wanted.Region = types.StringValue(r.cloud.Region)
	response.Diagnostics.Append(response.State.Set(ctx, &wanted)...)
}

func (r *rule) authorize(ctx context.Context, wanted *data) ([]ec2types.SecurityGroupRule, error) {
	group, permissions := wanted.Group.ValueStringPointer(), []ec2types.IpPermission{permission(wanted)}
	tags := cloud.OnCreation(ec2types.ResourceTypeSecurityGroupRule, texts(wanted.TagsAll))
	if r.out {
		made, err := r.cloud.EC2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{
			GroupId: group, IpPermissions: permissions, TagSpecifications: tags,
		})
		if err != nil {
			return nil, err
		}
		return made.SecurityGroupRules, nil
	}
	made, err := r.cloud.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: group, IpPermissions: permissions, TagSpecifications: tags,
	})
	if err != nil {
		return nil, err
	}
	return made.SecurityGroupRules, nil
}

func (r *rule) describe(ctx context.Context, id string) (ec2types.SecurityGroupRule, error) {
	answer, err := r.cloud.EC2.DescribeSecurityGroupRules(
		ctx,
		&ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{id}},
	)
	if err != nil {
		return ec2types.SecurityGroupRule{}, cloud.AsGone(err)
	}
	if len(answer.SecurityGroupRules) == 0 {
		return ec2types.SecurityGroupRule{}, cloud.ErrGone
	}
	return answer.SecurityGroupRules[0], nil
}

func (r *rule) Read(ctx context.Context, request resource.ReadRequest, response *resource.ReadResponse) {
	var known data
	response.Diagnostics.Append(request.State.Get(ctx, &known)...)
	if response.Diagnostics.HasError() {
		return
	}
	id := known.ID.ValueString()
	found, err := r.describe(ctx, id)
	if cloud.IsGone(err) {
		response.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		complain(&response.Diagnostics, "reading", r, id, err)
		return
	}
	if err := r.show(&known, found); err != nil {
		complain(&response.Diagnostics, "reading", r, id, err)
		return
	}
	response.Diagnostics.Append(response.State.Set(ctx, &known)...)
}

func (r *rule) show(known *data, found ec2types.SecurityGroupRule) error {
	id := aws.ToString(found.SecurityGroupRuleId)
	arn, err := r.cloud.EC2ARN(aws.ToString(found.GroupOwnerId), "security-group-rule/"+id)
	if err != nil {
		return err
	}
	known.ARN, known.RuleID = types.StringValue(arn), types.StringValue(id)
	known.CIDRv4 = types.StringPointerValue(found.CidrIpv4)
	known.CIDRv6 = types.StringPointerValue(found.CidrIpv6)
	known.Description = types.StringPointerValue(found.Description)
	known.FromPort = shownPort(found.FromPort, known.FromPort)
	known.ToPort = shownPort(found.ToPort, known.ToPort)
	known.Group = types.StringPointerValue(found.GroupId)
	known.Protocol = types.StringPointerValue(found.IpProtocol)
	known.Referenced = types.StringNull()
	if found.ReferencedGroupInfo != nil {
		known.Referenced = types.StringPointerValue(found.ReferencedGroupInfo.GroupId)
	}
	known.Region = types.StringValue(r.cloud.Region)
	all := cloud.FromEC2(found.Tags)
	known.Tags = shownTags(r.cloud.Own(all, texts(known.Tags)), known.Tags)
	known.TagsAll = shownTags(all, known.TagsAll)
	return nil
}

func (r *rule) Update(
	ctx context.Context,
	request resource.UpdateRequest,
	response *resource.UpdateResponse,
) {
	var old, wanted data
	response.Diagnostics.Append(request.State.Get(ctx, &old)...)
	response.Diagnostics.Append(request.Plan.Get(ctx, &wanted)...)
	if response.Diagnostics.HasError() {
		return
	}
	id := old.ID.ValueString()
	if old.differs(&wanted) {
		_, err := r.cloud.EC2.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
			GroupId: wanted.Group.ValueStringPointer(),
			SecurityGroupRules: []ec2types.SecurityGroupRuleUpdate{{
				SecurityGroupRuleId: aws.String(id), SecurityGroupRule: wanted.request(),
			}},
		})
		if err != nil {
			complain(&response.Diagnostics, "updating", r, id, err)
			return
		}
	}
	if !wanted.TagsAll.Equal(old.TagsAll) {
		if err := r.cloud.RetagEC2(ctx, id, texts(old.TagsAll), texts(wanted.TagsAll)); err != nil {
			complain(&response.Diagnostics, "updating the tags of", r, id, err)
			return
		}
	}
	response.Diagnostics.Append(response.State.Set(ctx, &wanted)...)
}

func (r *rule) Delete(
	ctx context.Context,
	request resource.DeleteRequest,
	response *resource.DeleteResponse,
) {
	var known data
	response.Diagnostics.Append(request.State.Get(ctx, &known)...)
	if response.Diagnostics.HasError() {
		return
	}
	group, ids := known.Group.ValueStringPointer(), []string{known.ID.ValueString()}
	var err error
	if r.out {
		_, err = r.cloud.EC2.RevokeSecurityGroupEgress(
			ctx,
			&ec2.RevokeSecurityGroupEgressInput{GroupId: group, SecurityGroupRuleIds: ids},
		)
	} else {
		_, err = r.cloud.EC2.RevokeSecurityGroupIngress(
			ctx,
			&ec2.RevokeSecurityGroupIngressInput{GroupId: group, SecurityGroupRuleIds: ids},
		)
	}
	if cloud.UnlessGone(err) != nil {
		complain(&response.Diagnostics, "deleting", r, ids[0], err)
	}
}
