"""Listers for EC2: machines, disks, addresses and the network around them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .inventory_volumes import snapshot, volumes
from .prices import FREE
from .resources import Item, Kind, ids
from .session import Session, pages, tags_of


def _ec2(
    operation: str, key: str, convert: Callable[[Mapping[str, Any]], Item | None], **parameters: Any
) -> Callable[[Session, str], Iterator[Item]]:
    """A lister over one EC2 describe call; `convert` returns None for what goes by itself."""

    def listing(session: Session, stack: str) -> Iterator[Item]:
        for entry in pages(session.client("ec2"), operation, key, **parameters):
            if item := convert(entry):
                yield item

    return listing


def _instances(session: Session, stack: str) -> Iterator[Item]:
    for reservation in pages(session.client("ec2"), "describe_instances", "Reservations"):
        for entry in reservation["Instances"]:
            if entry["State"]["Name"] != "terminated":
                yield _instance(entry)


def _instance(entry: Mapping[str, Any]) -> Item:
    tags, state = tags_of(entry), str(entry["State"]["Name"])
    system = "windows" if str(entry.get("Platform", "")).lower() == "windows" else "linux"
    return Item(
        kind="instance", id=entry["InstanceId"], name=tags.get("Name", ""), tags=tags, state=state,
        zone=entry["Placement"]["AvailabilityZone"],
        belongs_to=ids(entry.get("VpcId"), entry.get("SubnetId")), created=entry["LaunchTime"].timestamp(),
        # A stopped or terminating instance costs nothing itself; its volumes and addresses do.
        sku=f"ec2/{entry['InstanceType']}/{system}" if state in ("pending", "running") else FREE,
    )  # fmt: skip


def _network_interface(entry: Mapping[str, Any]) -> Item:
    tags, attachment = tags_of(entry), entry.get("Attachment") or {}
    return Item(
        kind="network interface", id=entry["NetworkInterfaceId"],
        name=tags.get("Name") or str(entry.get("Description") or ""), tags=tags,
        state=str(entry.get("Status", "")),
        belongs_to=ids(entry.get("VpcId"), entry.get("SubnetId"), attachment.get("InstanceId")),
    )  # fmt: skip


def _address(entry: Mapping[str, Any]) -> Item:
    tags = tags_of(entry)
    return Item(
        kind="elastic IP", id=entry["AllocationId"], name=tags.get("Name") or str(entry["PublicIp"]),
        tags=tags,
        state="associated" if entry.get("AssociationId") else "idle",
        belongs_to=ids(entry.get("InstanceId"), entry.get("NetworkInterfaceId")),
        sku="public-ipv4",
    )  # fmt: skip


def _nat_gateway(entry: Mapping[str, Any]) -> Item | None:
    if entry["State"] == "deleted":
        return None
    return _network_part("NAT gateway", "NatGatewayId", "nat-gateway")(entry)


def _endpoint(entry: Mapping[str, Any]) -> Item | None:
    if str(entry.get("State", "")).lower() == "deleted":
        return None
    interface = entry.get("VpcEndpointType") == "Interface"
    return _network_part("VPC endpoint", "VpcEndpointId", "vpc-endpoint" if interface else FREE)(entry)


def _security_group(entry: Mapping[str, Any]) -> Item | None:
    return None if entry["GroupName"] == "default" else _network_part("security group", "GroupId")(entry)


def _route_table(entry: Mapping[str, Any]) -> Item | None:
    main = any(association.get("Main") for association in entry.get("Associations", ()))
    return None if main else _network_part("route table", "RouteTableId")(entry)


def _network_acl(entry: Mapping[str, Any]) -> Item | None:
    return None if entry["IsDefault"] else _network_part("network ACL", "NetworkAclId")(entry)


def _internet_gateway(entry: Mapping[str, Any]) -> Item:
    tags = tags_of(entry)
    return Item(
        kind="internet gateway", id=entry["InternetGatewayId"], name=tags.get("Name", ""), tags=tags,
        belongs_to=ids(*(attachment.get("VpcId") for attachment in entry.get("Attachments", ()))),
    )  # fmt: skip


def _network_part(kind: str, key: str, sku: str = FREE) -> Callable[[Mapping[str, Any]], Item]:
    """A part of a VPC that needs no more than its id, tags and VPC."""

    def convert(entry: Mapping[str, Any]) -> Item:
        tags = tags_of(entry)
        name = tags.get("Name") or str(entry.get("GroupName") or "")
        belongs_to = ids(*(entry.get(field) for field in ("VpcId", "SubnetId") if field != key))
        return Item(
            kind=kind, id=entry[key], name=name, tags=tags, state=str(entry.get("State", "")),
            belongs_to=belongs_to, sku=sku,
            zone=str(entry.get("AvailabilityZone") or ""),
        )  # fmt: skip

    return convert


def _vpc(entry: Mapping[str, Any]) -> Item:
    tags = tags_of(entry)
    return Item(kind="VPC", id=entry["VpcId"], name=tags.get("Name", ""), tags=tags)


def _key_pair(entry: Mapping[str, Any]) -> Item:
    return Item(kind="key pair", id=entry["KeyName"], name=entry["KeyName"], tags=tags_of(entry))


def _launch_template(entry: Mapping[str, Any]) -> Item:
    return Item(
        kind="launch template",
        id=entry["LaunchTemplateId"],
        name=entry["LaunchTemplateName"],
        tags=tags_of(entry),
    )


KINDS = (
    Kind(name="instance", where="ec2:DescribeInstances", list=_instances),
    Kind(
        name="elastic IP",
        where="ec2:DescribeAddresses",
        list=_ec2("describe_addresses", "Addresses", _address),
    ),
    Kind(
        name="NAT gateway",
        where="ec2:DescribeNatGateways",
        list=_ec2("describe_nat_gateways", "NatGateways", _nat_gateway),
    ),
    Kind(
        name="VPC endpoint",
        where="ec2:DescribeVpcEndpoints",
        list=_ec2("describe_vpc_endpoints", "VpcEndpoints", _endpoint),
    ),
    Kind(
        name="network interface",
        where="ec2:DescribeNetworkInterfaces",
        list=_ec2("describe_network_interfaces", "NetworkInterfaces", _network_interface),
    ),
    Kind(name="volume", where="ec2:DescribeVolumes", list=volumes),
    Kind(
        name="snapshot",
        where="ec2:DescribeSnapshots",
        list=_ec2("describe_snapshots", "Snapshots", snapshot, OwnerIds=["self"]),
    ),
    Kind(
        name="security group",
        where="ec2:DescribeSecurityGroups",
        list=_ec2("describe_security_groups", "SecurityGroups", _security_group),
    ),
    Kind(
        name="route table",
        where="ec2:DescribeRouteTables",
        list=_ec2("describe_route_tables", "RouteTables", _route_table),
    ),
    Kind(
        name="subnet",
        where="ec2:DescribeSubnets",
        list=_ec2("describe_subnets", "Subnets", _network_part("subnet", "SubnetId")),
    ),
    Kind(
        name="internet gateway",
        where="ec2:DescribeInternetGateways",
        list=_ec2("describe_internet_gateways", "InternetGateways", _internet_gateway),
    ),
    Kind(
        name="network ACL",
        where="ec2:DescribeNetworkAcls",
        list=_ec2("describe_network_acls", "NetworkAcls", _network_acl),
    ),
    Kind(name="VPC", where="ec2:DescribeVpcs", list=_ec2("describe_vpcs", "Vpcs", _vpc)),
    Kind(
        name="key pair", where="ec2:DescribeKeyPairs", list=_ec2("describe_key_pairs", "KeyPairs", _key_pair)
    ),
    Kind(
        name="launch template",
        where="ec2:DescribeLaunchTemplates",
        list=_ec2("describe_launch_templates", "LaunchTemplates", _launch_template),
    ),
)
