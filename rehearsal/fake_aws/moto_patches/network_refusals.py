"""Refuse network calls that AWS refuses and moto accepts, mainly the deletion of objects in use.

Each patch has AWS's error code and text, so that the provider and `destroy` meet the same errors as on AWS.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend

from rehearsal.fake_aws.moto_patches.patches import MotoPatches, PatchedCall

NETWORK_PATCHES = MotoPatches()

# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
SUBNET_PREFIXES = range(16, 29)
HIGHEST_PORT = 65_535
PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6", "-1")


@NETWORK_PATCHES.around(SubnetBackend, "create_subnet")
def subnet_of_impossible_size_or_zone(call: PatchedCall) -> Any:
    cidr, zone = call["cidr_block"], call["availability_zone"]
    if zone is None and not call["availability_zone_id"]:
        zone = call.arguments["availability_zone"] = _poorest_zone(call.backend)
    if cidr and int(cidr.rpartition("/")[2]) not in SUBNET_PREFIXES:
        raise EC2ClientError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    zones = [each.name for each in call.backend.describe_availability_zones()]
    if zone and zone not in zones:
        accepted = (
            f"Subnets can currently only be created in the following availability zones: {', '.join(zones)}."
        )
        message = f"Value ({zone}) for parameter availabilityZone is invalid. {accepted}"
        raise EC2ClientError("InvalidParameterValue", message)
    return call.proceed()


def _poorest_zone(ec2: Any) -> str:
    """The zone with the fewest instance types.

    AWS chooses one without regard to them (EC2 API reference, CreateSubnet).
    """
    offers = Counter(each["Location"] for each in ec2.describe_instance_type_offerings("availability-zone"))
    return min(
        (each.name for each in ec2.describe_availability_zones()), key=lambda name: (offers[name], name)
    )


@NETWORK_PATCHES.around(SubnetBackend, "delete_subnet")
def subnet_in_use(call: PatchedCall) -> Any:
    subnet_id = call["subnet_id"]
    if any(interface.subnet.id == subnet_id for interface in call.backend.get_all_network_interfaces()):
        raise EC2ClientError(
            "DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
        )
    return call.proceed()


@NETWORK_PATCHES.around(VPCBackend, "delete_vpc")
def vpc_with_gateway_or_groups(call: PatchedCall) -> Any:
    ec2, vpc_id = call.backend, call["vpc_id"]
    gateways = [
        gateway for gateway in ec2.describe_internet_gateways() if gateway.vpc and gateway.vpc.id == vpc_id
    ]
    groups = [group for group in ec2.groups[vpc_id].values() if not group.is_default]
    if gateways or groups:
        raise EC2ClientError(
            "DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
        )
    return call.proceed()


@NETWORK_PATCHES.around(InternetGatewayBackend, "attach_internet_gateway")
def second_gateway_of_a_vpc(call: PatchedCall) -> Any:
    vpc_id = call["vpc_id"]
    if _gateway_of(call.backend, vpc_id):
        raise EC2ClientError(
            "InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached"
        )
    return call.proceed()


@NETWORK_PATCHES.around(InternetGatewayBackend, "detach_internet_gateway")
def gateway_with_mapped_addresses(call: PatchedCall) -> Any:
    vpc_id = call["vpc_id"]
    if any(
        interface.public_ip and interface.subnet.vpc_id == vpc_id
        for interface in call.backend.get_all_network_interfaces()
    ):
        remedy = "Please unmap those public address(es) before detaching the gateway."
        message = f"Network {vpc_id} has some mapped public address(es). {remedy}"
        raise EC2ClientError("DependencyViolation", message)
    return call.proceed()


@NETWORK_PATCHES.around(RouteBackend, "create_route")
def route_through_a_foreign_gateway(call: PatchedCall) -> Any:
    ec2, gateway_id = call.backend, call["gateway_id"]
    table = ec2.get_route_table(call["route_table_id"])
    if gateway_id and gateway_id.startswith("igw-"):
        gateway = ec2.get_internet_gateway(gateway_id)
        if not gateway.vpc or gateway.vpc.id != table.vpc_id:
            message = f"route table {table.id} and network gateway {gateway_id} belong to different networks"
            raise EC2ClientError("InvalidParameterValue", message)
    return call.proceed()


@NETWORK_PATCHES.around(RouteBackend, "associate_route_table")
def second_route_table_of_a_subnet(call: PatchedCall) -> Any:
    table_id, subnet_id = call["route_table_id"], call["subnet_id"]
    for table in call.backend.route_tables.values():
        if subnet_id and table.id != table_id and subnet_id in table._associations.values():
            message = (
                f"the specified association for route table {table_id} conflicts with an existing association"
            )
            raise EC2ClientError("Resource.AlreadyAssociated", message)
    return call.proceed()


@NETWORK_PATCHES.around(ElasticAddressBackend, "associate_address")
def address_without_a_gateway(call: PatchedCall) -> Any:
    interface = call["eni"] or (call["instance"].nics[0] if call["instance"] else None)
    if interface and not _gateway_of(call.backend, interface.subnet.vpc_id):
        message = f"Network {interface.subnet.vpc_id} is not attached to any internet gateway"
        raise EC2ClientError("Gateway.NotAttached", message)
    return call.proceed()


@NETWORK_PATCHES.around(ElasticAddressBackend, "release_address")
def address_in_use(call: PatchedCall) -> Any:
    for address in call.backend.addresses:
        if address.allocation_id == call["allocation_id"] and address.association_id:
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
    return call.proceed()


def _gateway_of(ec2: Any, vpc_id: str) -> bool:
    return any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in ec2.describe_internet_gateways())


@NETWORK_PATCHES.around(SecurityGroupBackend, "create_security_group")
def group_with_reserved_name(call: PatchedCall) -> Any:
    if call["name"].startswith("sg-"):
        reason = "Group names may not be in the format sg-*."
        message = f"Value ({call['name']}) for parameter GroupName is invalid. {reason}"
        raise EC2ClientError("InvalidParameterValue", message)
    if not call["description"].isascii():
        reason = "Character sets beyond ASCII are not supported."
        message = f"Value ({call['description']}) for parameter GroupDescription is invalid. {reason}"
        raise EC2ClientError("InvalidParameterValue", message)
    return call.proceed()


@NETWORK_PATCHES.around(SecurityGroupBackend, "delete_security_group")
def group_in_use(call: PatchedCall) -> Any:
    ec2, group_id = call.backend, call["group_id"]
    worn = any(
        group.id == group_id
        for interface in ec2.get_all_network_interfaces()
        for group in interface.group_set
    )
    if worn or _is_referenced(ec2, group_id):
        raise EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")
    return call.proceed()


def _is_referenced(ec2: Any, group_id: str | None) -> bool:
    others = [group for groups in ec2.groups.values() for group in groups.values() if group.id != group_id]
    rules = [rule for group in others for rule in (*group.ingress_rules, *group.egress_rules)]
    return any((rule.source_group or {}).get("GroupId") == group_id for rule in rules)


@NETWORK_PATCHES.around(
    SecurityGroupBackend, "authorize_security_group_ingress", "authorize_security_group_egress"
)
def rule_with_impossible_ports(call: PatchedCall) -> Any:
    protocol, low, high = str(call["ip_protocol"]), call["from_port"], call["to_port"]
    if protocol not in PROTOCOLS and not protocol.isdigit():
        raise EC2ClientError(
            "InvalidPermission.Malformed",
            f'Unsupported IP protocol "{protocol}" - supported: {", ".join(PROTOCOLS)}',
        )
    if protocol in ("tcp", "udp") and (
        low is None or high is None or not 0 <= int(low) <= int(high) <= HIGHEST_PORT
    ):
        raise EC2ClientError("InvalidParameterValue", f"Invalid TCP/UDP port range ({low}:{high})")
    return call.proceed()
