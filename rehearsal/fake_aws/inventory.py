"""List through the public API everything in an account that this project could leave behind, and compare two
listings.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.fake_aws.settings import STATE_BUCKET

PUBLIC_PARAMETERS = "/aws/"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the account, identified by kind and id."""

    kind: str
    id: str
    name: str = field(default="", compare=False)
    tags: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" + (f" ({self.name})" if self.name and self.name != self.id else "")


Inventory = dict[str, list[Resource]]


@dataclass(frozen=True, slots=True)
class Difference:
    """The resources that only one of two listings has."""

    added: tuple[Resource, ...]
    removed: tuple[Resource, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True, slots=True)
class _Listing:
    """How to list a kind: the call, the path of its items, and the fields of id and name."""

    kind: str
    service: str
    operation: str
    items: str
    id: str
    name: str = ""


_SIMPLE = (
    _Listing("volume", "ec2", "describe_volumes", "Volumes", "VolumeId"),
    _Listing(
        "network interface", "ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"
    ),
    _Listing("elastic IP", "ec2", "describe_addresses", "Addresses", "AllocationId", "PublicIp"),
    _Listing("security group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId", "GroupName"),
    _Listing(
        "security group rule",
        "ec2",
        "describe_security_group_rules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
    ),
    _Listing("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId"),
    _Listing("route table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    _Listing(
        "internet gateway", "ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    _Listing("VPC", "ec2", "describe_vpcs", "Vpcs", "VpcId"),
    _Listing("key pair", "ec2", "describe_key_pairs", "KeyPairs", "KeyPairId", "KeyName"),
    _Listing("role", "iam", "list_roles", "Roles", "Arn", "RoleName"),
    _Listing(
        "instance profile", "iam", "list_instance_profiles", "InstanceProfiles", "Arn", "InstanceProfileName"
    ),
    _Listing("bucket", "s3", "list_buckets", "Buckets", "Name"),
    _Listing("log group", "logs", "describe_log_groups", "logGroups", "logGroupName"),
)


def list_everything(session: Any, endpoint: str | None = None) -> Inventory:
    """List the resources that the credentials of `session` (a boto3 session with a region) can see, by kind.

    Left out are terminated instances, AWS's policies and public parameters, and the bucket of Pulumi's state.
    """

    @functools.cache
    def client(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint)

    found: Inventory = {}
    for resource in _all_resources(client):
        found.setdefault(resource.kind, []).append(resource)
    return found


def difference(before: Inventory, after: Inventory) -> Difference:
    old, new = _flat(before), _flat(after)
    return Difference(
        added=tuple(r for r in new if r not in old), removed=tuple(r for r in old if r not in new)
    )


def _flat(inventory: Inventory) -> list[Resource]:
    return [resource for kind in sorted(inventory) for resource in inventory[kind]]


def _all_resources(client: Callable[[str], Any]) -> Iterator[Resource]:
    yield from _instances(client("ec2"))
    for listing in _SIMPLE:
        yield from _simple(client(listing.service), listing)
    yield from _policies(client("iam"))
    yield from _parameters(client("ssm"))
    yield from _objects(client("s3"))


def _simple(client: Any, listing: _Listing) -> Iterator[Resource]:
    for item in _pages(client, listing.operation, listing.items):
        if item[listing.id] != STATE_BUCKET:
            tags = _tags(item.get("Tags", ()))
            yield Resource(
                listing.kind, item[listing.id], tags.get("Name") or item.get(listing.name, ""), tags
            )


def _pages(client: Any, operation: str, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(items, ())
    else:
        yield from getattr(client, operation)(**arguments)[items]


def _tags(pairs: Iterable[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


def _instances(ec2: Any) -> Iterator[Resource]:
    for reservation in _pages(ec2, "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                tags = _tags(instance.get("Tags", ()))
                yield Resource("instance", instance["InstanceId"], tags.get("Name", ""), tags)


def _policies(iam: Any) -> Iterator[Resource]:
    for policy in _pages(iam, "list_policies", "Policies", Scope="Local"):
        yield Resource("policy", policy["Arn"], policy["PolicyName"])
    for role in _pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        for policy in _pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
            yield Resource("inline policy", f"{name}:{policy}")
        for policy in _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
            yield Resource("policy attachment", f"{name}:{policy['PolicyArn']}")


def _parameters(ssm: Any) -> Iterator[Resource]:
    for parameter in _pages(ssm, "describe_parameters", "Parameters"):
        name = parameter["Name"]
        if not name.startswith(PUBLIC_PARAMETERS):
            tags = _tags(ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"])
            yield Resource("parameter", name, tags=tags)


def _objects(s3: Any) -> Iterator[Resource]:
    for bucket in s3.list_buckets()["Buckets"]:
        if bucket["Name"] != STATE_BUCKET:
            for item in _pages(s3, "list_objects_v2", "Contents", Bucket=bucket["Name"]):
                yield Resource("object", f"s3://{bucket['Name']}/{item['Key']}")
