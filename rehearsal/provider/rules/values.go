package rules

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// anyPort is AWS's answer where the protocol has no ports and none were given.
const anyPort = -1

func permission(wanted *data) ec2types.IpPermission {
	made := ec2types.IpPermission{
		FromPort:   port32(wanted.FromPort),
		IpProtocol: wanted.Protocol.ValueStringPointer(),
		ToPort:     port32(wanted.ToPort),
	}
	text := wanted.Description.ValueStringPointer()
	switch wanted.source() {
	case "cidr_ipv4":
		made.IpRanges = []ec2types.IpRange{{CidrIp: wanted.CIDRv4.ValueStringPointer(), Description: text}}
	case "cidr_ipv6":
		made.Ipv6Ranges = []ec2types.Ipv6Range{
			{CidrIpv6: wanted.CIDRv6.ValueStringPointer(), Description: text},
		}
	default:
		made.UserIdGroupPairs = []ec2types.UserIdGroupPair{
			{GroupId: wanted.Referenced.ValueStringPointer(), Description: text},
		}
	}
	return made
}

func (d *data) differs(wanted *data) bool {
	return !d.CIDRv4.Equal(wanted.CIDRv4) || !d.CIDRv6.Equal(wanted.CIDRv6) ||
		!d.Description.Equal(wanted.Description) ||
		!d.FromPort.Equal(wanted.FromPort) || !d.Protocol.Equal(wanted.Protocol) ||
		!d.Referenced.Equal(wanted.Referenced) ||
		!d.ToPort.Equal(wanted.ToPort)
}

func (d *data) request() *ec2types.SecurityGroupRuleRequest {
	return &ec2types.SecurityGroupRuleRequest{
		CidrIpv4:          d.CIDRv4.ValueStringPointer(),
		CidrIpv6:          d.CIDRv6.ValueStringPointer(),
		Description:       d.Description.ValueStringPointer(),
		FromPort:          port32(d.FromPort),
		IpProtocol:        d.Protocol.ValueStringPointer(),
		ReferencedGroupId: d.Referenced.ValueStringPointer(),
		ToPort:            port32(d.ToPort),
	}
}

func port32(port types.Int64) *int32 {
	if port.IsNull() {
		return nil
	}
	return aws.Int32(int32(port.ValueInt64()))
}

func shownPort(found *int32, known types.Int64) types.Int64 {
	if found == nil || (*found == anyPort && known.IsNull()) {
		return types.Int64Null()
	}
	return types.Int64Value(int64(*found))
}

func texts(tags types.Map) map[string]string {
	read := map[string]string{}
	for key, value := range tags.Elements() {
		read[key] = value.(types.String).ValueString()
	}
	return read
}

// shownTags stays null where there were no tags and are none.
func shownTags(tags map[string]string, known types.Map) types.Map {
	if len(tags) == 0 && known.IsNull() {
		return types.MapNull(types.StringType)
	}
	values := map[string]attr.Value{}
	for key, value := range tags {
		values[key] = types.StringValue(value)
	}
	return types.MapValueMust(types.StringType, values)
}
