"""How each part of a network is deleted, with what has to be untied before.

A refusal that names a dependency is tried again by cleanup.py: much of this goes on in AWS after the call has
ended.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..aws.resources import Item

# A NAT gateway takes minutes to go, and keeps its address and its interface until then.
NAT_SECONDS, NAT_PAUSE = 600, 5
# Which way a group's rules name others: the filter that finds them, the field, and the call that takes a rule
# away.
DIRECTIONS = (
    ("ip-permission.group-id", "IpPermissions", "revoke_security_group_ingress"),
    ("egress.ip-permission.group-id", "IpPermissionsEgress", "revoke_security_group_egress"),
)
# Filters of DescribeNetworkInterfaces that find the interfaces in a group, a subnet or a VPC.
HELD_BY = {"security group": "group-id", "subnet": "subnet-id", "VPC": "vpc-id"}
MOST_NAMED = 3


def delete_interface(ec2: Any, item: Item) -> None:
    filters = [{"Name": "network-interface-id", "Values": [item.id]}]
    for interface in ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
        if attachment := interface.get("Attachment"):
            ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"], Force=True)
        ec2.delete_network_interface(NetworkInterfaceId=item.id)


def delete_nat_gateway(ec2: Any, item: Item) -> None:
    ec2.delete_nat_gateway(NatGatewayId=item.id)
    deadline = time.monotonic() + NAT_SECONDS
    filters = [{"Name": "nat-gateway-id", "Values": [item.id]}]
    while any(
        each["State"] != "deleted" for each in ec2.describe_nat_gateways(Filters=filters)["NatGateways"]
    ):
        if time.monotonic() > deadline:
            return
        time.sleep(NAT_PAUSE)


def delete_security_group(ec2: Any, item: Item) -> None:
    """Groups that name each other in their rules hold each other, whichever way the traffic goes: those
    rules go first.
    """
    (group,) = ec2.describe_security_groups(GroupIds=[item.id])["SecurityGroups"]
    for search, field, revoke in DIRECTIONS:
        if rules := [rule for rule in group.get(field) or () if rule["UserIdGroupPairs"]]:
            getattr(ec2, revoke)(GroupId=item.id, IpPermissions=rules)
        for other in ec2.describe_security_groups(Filters=[{"Name": search, "Values": [item.id]}])[
            "SecurityGroups"
        ]:
            if rules := [*_naming(item.id, other.get(field) or ())]:
                getattr(ec2, revoke)(GroupId=other["GroupId"], IpPermissions=rules)
    ec2.delete_security_group(GroupId=item.id)


def _naming(group_id: str, rules: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rules that name a group, without what else they allow: another's group keeps its ranges
    and other groups.
    """
    for rule in rules:
        if pairs := [pair for pair in rule["UserIdGroupPairs"] if pair.get("GroupId") == group_id]:
            yield {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule} | {
                "UserIdGroupPairs": pairs
            }


def delete_route_table(ec2: Any, item: Item) -> None:
    (table,) = ec2.describe_route_tables(RouteTableIds=[item.id])["RouteTables"]
    for association in table["Associations"]:
        ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=item.id)


def delete_internet_gateway(ec2: Any, item: Item) -> None:
    (gateway,) = ec2.describe_internet_gateways(InternetGatewayIds=[item.id])["InternetGateways"]
    for attachment in gateway["Attachments"]:
        ec2.detach_internet_gateway(InternetGatewayId=item.id, VpcId=attachment["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=item.id)


def delete_vpn_gateway(ec2: Any, item: Item) -> None:
    for gateway in ec2.describe_vpn_gateways(VpnGatewayIds=[item.id])["VpnGateways"]:
        for attachment in gateway.get("VpcAttachments") or ():
            if attachment["State"] in ("attaching", "attached"):
                ec2.detach_vpn_gateway(VpnGatewayId=item.id, VpcId=attachment["VpcId"])
    ec2.delete_vpn_gateway(VpnGatewayId=item.id)


def holders(ec2: Any, item: Item) -> str:
    """Name the network interfaces that keep an object from going, as the end of a sentence; empty if there
    are none.
    """
    if item.kind not in HELD_BY:
        return ""
    filters = [{"Name": HELD_BY[item.kind], "Values": [item.id]}]
    there = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    named = [
        f"{each['NetworkInterfaceId']} ({each.get('Description') or each.get('InterfaceType') or 'unnamed'})"
        for each in there
    ]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"; it is held by {', '.join(named[:MOST_NAMED])}{more}" if named else ""
