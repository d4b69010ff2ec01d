"""Security groups and their rules. Rules written inside a group are not implemented: they fight with the separate ones."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

from rehearsal.aws_provider.aws import Aws, if_exists, once_released, without_none
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.network import change_tags, first
from rehearsal.aws_provider.wire import Properties

ANY_PORT = -1
# Where a rule lets traffic from or to: our property, the API's argument, and how a permission spells it.
SOURCES = {
    "cidrIpv4": ("CidrIpv4", "IpRanges", "CidrIp"),
    "cidrIpv6": ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
    "referencedSecurityGroupId": ("ReferencedGroupId", "UserIdGroupPairs", "GroupId"),
}
ALLOW_ALL = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@register
class SecurityGroup(Kind):
    type_name = "aws:ec2/securityGroup:SecurityGroup"
    noun = "security group"
    auto_name = "name"
    written_defaults = MappingProxyType({"description": "Managed by Pulumi"})
    tables = Tables(
        inputs=names("description name revokeRulesOnDelete tags vpcId"),
        replace=names("description name vpcId"),
        defaults={"revokeRulesOnDelete": False},
        computed=("arn", "ownerId", "vpcId"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        arguments = without_none(GroupName=inputs["name"], Description=inputs["description"], VpcId=inputs.get("vpcId"))
        tags = aws.tag_specifications(security_group=aws.all_tags(inputs.get("tags")))
        return aws.ec2.create_security_group(**arguments, TagSpecifications=tags)["GroupId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        """AWS lets a new group talk to everybody; the official provider takes that away, so that only declared rules hold."""
        aws.ec2.revoke_security_group_egress(GroupId=id_, IpPermissions=[ALLOW_ALL])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        group = first(if_exists(lambda: aws.ec2.describe_security_groups(GroupIds=[id_])), "SecurityGroups")
        return group and {
            "arn": aws.arn("ec2", f"security-group/{id_}"),
            "description": group["Description"],
            "name": group["GroupName"],
            "ownerId": group["OwnerId"],
            "vpcId": group.get("VpcId"),
            **tag_state(aws, group.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if state.get("revokeRulesOnDelete"):
            self._revoke_all(aws, id_)
        once_released(lambda: aws.ec2.delete_security_group(GroupId=id_))

    def _revoke_all(self, aws: Aws, id_: str) -> None:
        filters = [{"Name": "group-id", "Values": [id_]}]
        for rule in aws.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]:
            revoke = aws.ec2.revoke_security_group_egress if rule["IsEgress"] else aws.ec2.revoke_security_group_ingress
            revoke(GroupId=id_, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


class SecurityGroupRule(Kind):
    """One rule in one direction; the directions differ in the calls alone."""

    direction: ClassVar[str]
    tables = Tables(
        inputs=names("cidrIpv4 cidrIpv6 description fromPort ipProtocol referencedSecurityGroupId securityGroupId tags toPort"),
        replace=names("securityGroupId"),
        defaults={**dict.fromkeys(SOURCES), "description": None, "fromPort": None, "toPort": None},
        computed=("arn", "securityGroupRuleId"),
    )

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        given = [name for name in SOURCES if inputs.get(name) is not None]
        if len(given) == 1:
            return []
        return [("", f"Exactly one of {', '.join(SOURCES)} must be given, got {', '.join(given) or 'none'}.")]

    def create(self, aws: Aws, inputs: Properties) -> str:
        authorize = getattr(aws.ec2, f"authorize_security_group_{self.direction}")
        tags = aws.tag_specifications(security_group_rule=aws.all_tags(inputs.get("tags")))
        answer = authorize(GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)], TagSpecifications=tags)
        return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        rule = first(if_exists(lambda: aws.ec2.describe_security_group_rules(SecurityGroupRuleIds=[id_])), "SecurityGroupRules")
        return rule and {
            "arn": aws.arn("ec2", f"security-group-rule/{id_}"),
            "cidrIpv4": rule.get("CidrIpv4"),
            "cidrIpv6": rule.get("CidrIpv6"),
            "description": rule.get("Description"),
            "fromPort": _port(rule["FromPort"], known.get("fromPort")),
            "ipProtocol": rule["IpProtocol"],
            "referencedSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
            "securityGroupId": rule["GroupId"],
            "securityGroupRuleId": id_,
            "toPort": _port(rule["ToPort"], known.get("toPort")),
            **tag_state(aws, rule.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.paths - {"tags", "tagsAll"}:
            rules = [{"SecurityGroupRuleId": id_, "SecurityGroupRule": _rule(change.new)}]
            aws.ec2.modify_security_group_rules(GroupId=change.new["securityGroupId"], SecurityGroupRules=rules)
        change_tags(aws, id_, change)

    def replaces_besides(self, new: Properties, state: Properties) -> frozenset[str]:
        """A rule keeps its kind of source for life."""
        sources = {name for name in SOURCES if (new.get(name) is None) != (state.get(name) is None)}
        return frozenset(sources)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        revoke = getattr(aws.ec2, f"revoke_security_group_{self.direction}")
        if self.read(aws, id_, state):
            if_exists(lambda: revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[id_]))


@register
class SecurityGroupIngressRule(SecurityGroupRule):
    type_name = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    noun = "security group ingress rule"
    direction = "ingress"


@register
class SecurityGroupEgressRule(SecurityGroupRule):
    type_name = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    noun = "security group egress rule"
    direction = "egress"


def _port(actual: int, known: int | None) -> int | None:
    """AWS answers -1 where the protocol has no ports and none were given."""
    return None if actual == ANY_PORT and known is None else actual


def _permission(inputs: Properties) -> dict[str, Any]:
    name = next(each for each in SOURCES if inputs.get(each) is not None)
    _, ranges, field = SOURCES[name]
    source = without_none(**{field: inputs[name]}, Description=inputs.get("description"))
    ports = without_none(FromPort=inputs.get("fromPort"), ToPort=inputs.get("toPort"))
    return {"IpProtocol": inputs["ipProtocol"], ranges: [source], **ports}


def _rule(inputs: Properties) -> dict[str, Any]:
    sources = {argument: inputs.get(name) for name, (argument, _, _) in SOURCES.items()}
    ports = {"FromPort": inputs.get("fromPort"), "ToPort": inputs.get("toPort")}
    return without_none(IpProtocol=inputs["ipProtocol"], Description=inputs.get("description"), **sources, **ports)
