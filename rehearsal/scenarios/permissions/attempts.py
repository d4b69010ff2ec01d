"""Calls that the pipeline's role must not make: by grant and action, those which that grant's condition alone
keeps out.

A grant with a condition and an action without a row here fails the trial: a condition that nothing has tried
may be one that holds nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.scenarios.permissions.permission import KEY
from rehearsal.scenarios.permissions.scene import FOREIGN_TAGS, OWN_TAGS, PERMISSIONS, TRUST, Network, tagged

Parameters = Mapping[str, Any]
# A call of boto3: the service, the operation, its parameters.
Call = tuple[str, str, Parameters]
UNBOUNDED_ROLE = "pr-7-unbounded"
CREATE_ACTION, REQUEST_TAG = "StringEquals", "StringLike"
# Of all other conditions it is StringLike.
_OPERATORS = {"BoundedRoles": "StringEquals"}
_POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The objects of the calls: a preview's network, and another stack's."""

    own: Network
    foreign: Network


def _ec2(operation: str, **parameters: Any) -> Call:
    return ("ec2", operation, {**parameters, "DryRun": True})


def _launch(at: Network, group: str | None = None, **more: Any) -> Call:
    tags = [*tagged("instance", OWN_TAGS), *tagged("volume", OWN_TAGS)]
    place = {"SubnetId": at.subnet, "SecurityGroupIds": [group or at.group]}
    return _ec2(
        "run_instances",
        ImageId=at.image,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        **place,
        **({"TagSpecifications": tags} | more),
    )


def _untagged(stage: Stage) -> Iterator[tuple[str, str, Call]]:
    """List calls that would make something without a preview's tag."""
    own = stage.own
    yield "Make", "ec2:AllocateAddress", _ec2("allocate_address", Domain="vpc")
    yield "Make", "ec2:CreateInternetGateway", _ec2("create_internet_gateway")
    yield "Make", "ec2:CreateRouteTable", _ec2("create_route_table", VpcId=own.vpc)
    yield (
        "Make",
        "ec2:CreateSecurityGroup",
        _ec2("create_security_group", GroupName="g", Description="g", VpcId=own.vpc),
    )
    yield "Make", "ec2:CreateSubnet", _ec2("create_subnet", VpcId=own.vpc, CidrBlock="10.7.0.128/25")
    yield "MakeVpc", "ec2:CreateVpc", _ec2("create_vpc", CidrBlock="10.9.0.0/24")
    for way in ("egress", "ingress"):
        operation = f"authorize_security_group_{way}"
        yield (
            "MakeRules",
            f"ec2:AuthorizeSecurityGroup{way.title()}",
            _ec2(operation, GroupId=own.group, IpPermissions=PERMISSIONS),
        )
    yield "Launch", "ec2:RunInstances", _launch(own, TagSpecifications=[])


def _put_together(stage: Stage) -> Iterator[tuple[str, str, Call]]:
    """List calls that would join another stack's object to something, or take it apart: each place of a call
    in turn.
    """
    own, foreign = stage.own, stage.foreign
    for address, machine in ((foreign.address, own.instance), (own.address, foreign.instance)):
        yield (
            "ChangeOwn",
            "ec2:AssociateAddress",
            _ec2("associate_address", AllocationId=address, InstanceId=machine),
        )
    for table, subnet in ((foreign.table, own.subnet), (own.table, foreign.subnet)):
        yield (
            "ChangeOwn",
            "ec2:AssociateRouteTable",
            _ec2("associate_route_table", RouteTableId=table, SubnetId=subnet),
        )
    for gateway, vpc in ((foreign.gateway, own.vpc), (own.gateway, foreign.vpc)):
        for verb in ("attach", "detach"):
            call = _ec2(f"{verb}_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
            yield "ChangeOwn", f"ec2:{verb.title()}InternetGateway", call
    for way in ("egress", "ingress"):
        tags = tagged("security-group-rule", OWN_TAGS)
        opening = _ec2(
            f"authorize_security_group_{way}",
            GroupId=foreign.group,
            IpPermissions=PERMISSIONS,
            TagSpecifications=tags,
        )
        yield "ChangeOwn", f"ec2:AuthorizeSecurityGroup{way.title()}", opening
        closing = _ec2(f"revoke_security_group_{way}", GroupId=foreign.group, IpPermissions=PERMISSIONS)
        yield "ChangeOwn", f"ec2:RevokeSecurityGroup{way.title()}", closing
    route = {"RouteTableId": foreign.table, "DestinationCidrBlock": "0.0.0.0/0"}
    yield "ChangeOwn", "ec2:CreateRoute", _ec2("create_route", GatewayId=own.gateway, **route)
    yield "ChangeOwn", "ec2:DeleteRoute", _ec2("delete_route", **route)
    made = {
        "create_route_table": "route-table",
        "create_security_group": "security-group",
        "create_subnet": "subnet",
    }
    needs: Mapping[str, Parameters] = {
        "create_security_group": {"GroupName": "h", "Description": "h"},
        "create_subnet": {"CidrBlock": "10.8.0.128/25"},
    }
    for operation, kind in made.items():
        call = _ec2(
            operation, VpcId=foreign.vpc, TagSpecifications=tagged(kind, OWN_TAGS), **needs.get(operation, {})
        )
        yield "ChangeOwn", f"ec2:{operation.title().replace('_', '')}", call
    yield (
        "ChangeOwn",
        "ec2:DisassociateRouteTable",
        _ec2("disassociate_route_table", AssociationId=foreign.table_association),
    )
    public = {"MapPublicIpOnLaunch": {"Value": True}}
    # These two calls have no dry run.
    yield (
        "ChangeOwn",
        "ec2:ModifySubnetAttribute",
        ("ec2", "modify_subnet_attribute", {"SubnetId": foreign.subnet, **public}),
    )
    yield (
        "ChangeOwn",
        "ec2:ModifyVpcAttribute",
        ("ec2", "modify_vpc_attribute", {"VpcId": foreign.vpc, "EnableDnsSupport": {"Value": True}}),
    )
    yield "ChangeOwn", "ec2:RunInstances", _launch(foreign, own.group)
    yield "ChangeOwn", "ec2:RunInstances", _launch(own, foreign.group)


def _ended(stage: Stage) -> Iterator[tuple[str, str, Call]]:
    """List calls that would end or edit an object of another stack."""
    foreign = stage.foreign
    yield (
        "EndOwn",
        "ec2:DeleteInternetGateway",
        _ec2("delete_internet_gateway", InternetGatewayId=foreign.gateway),
    )
    yield "EndOwn", "ec2:DeleteRouteTable", _ec2("delete_route_table", RouteTableId=foreign.table)
    yield "EndOwn", "ec2:DeleteSecurityGroup", _ec2("delete_security_group", GroupId=foreign.group)
    yield "EndOwn", "ec2:DeleteSubnet", _ec2("delete_subnet", SubnetId=foreign.subnet)
    yield "EndOwn", "ec2:DeleteVpc", _ec2("delete_vpc", VpcId=foreign.vpc)
    yield "EndOwn", "ec2:ReleaseAddress", _ec2("release_address", AllocationId=foreign.address)
    yield "EndOwn", "ec2:TerminateInstances", _ec2("terminate_instances", InstanceIds=[foreign.instance])
    yield "RepairDisks", "ec2:DeleteVolume", _ec2("delete_volume", VolumeId=foreign.volume)
    yield (
        "ProviderEdits",
        "ec2:DeleteTags",
        _ec2("delete_tags", Resources=[foreign.instance], Tags=FOREIGN_TAGS),
    )
    stop = {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}}
    yield (
        "ProviderEdits",
        "ec2:ModifyInstanceAttribute",
        _ec2("modify_instance_attribute", InstanceId=foreign.instance, **stop),
    )
    rule = {
        "SecurityGroupRuleId": foreign.rule,
        "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIpv4": "0.0.0.0/0"},
    }
    yield (
        "ProviderEdits",
        "ec2:ModifySecurityGroupRules",
        _ec2("modify_security_group_rules", GroupId=foreign.group, SecurityGroupRules=[rule]),
    )
    yield "ProviderEdits", "ec2:ModifyVolume", _ec2("modify_volume", VolumeId=foreign.volume, Size=100)
    yield "ProviderEdits", "ec2:StartInstances", _ec2("start_instances", InstanceIds=[foreign.instance])
    yield "ProviderEdits", "ec2:StopInstances", _ec2("stop_instances", InstanceIds=[foreign.instance])
    yield (
        "TagOwn",
        "ec2:CreateTags",
        _ec2("create_tags", Resources=[foreign.instance], Tags=[{"Key": "owner", "Value": "me"}]),
    )


def _of_other_services(_: Stage) -> Iterator[tuple[str, str, Call]]:
    yield (
        "BoundedRoles",
        "iam:CreateRole",
        ("iam", "create_role", {"RoleName": "pr-7-x", "AssumeRolePolicyDocument": TRUST}),
    )
    policy = {"RoleName": UNBOUNDED_ROLE, "PolicyName": "all", "PolicyDocument": _POLICY}
    yield "BoundedRoles", "iam:PutRolePolicy", ("iam", "put_role_policy", policy)
    yield "DocumentsKey", "kms:Encrypt", ("kms", "encrypt", {"KeyId": KEY, "Plaintext": b"x"})
    yield "DocumentsKey", "kms:Decrypt", ("kms", "decrypt", {"KeyId": KEY, "CiphertextBlob": b"x"})


def attempts(stage: Stage) -> dict[tuple[str, str, str], list[Call]]:
    """By grant, action and the operator of the condition: the calls that it keeps out."""
    found: dict[tuple[str, str, str], list[Call]] = {}
    for rows in (_untagged, _put_together, _ended, _of_other_services):
        for sid, action, call in rows(stage):
            found.setdefault((sid, action, _OPERATORS.get(sid, "StringLike")), []).append(call)
    # Tags at birth have two conditions: only at birth, and only a preview's. A network card is made with no
    # tag that another grant asks for.
    own_tags_later = _ec2("create_tags", Resources=[stage.foreign.instance], Tags=OWN_TAGS)
    card = [
        *tagged("instance", OWN_TAGS),
        *tagged("volume", OWN_TAGS),
        *tagged("network-interface", FOREIGN_TAGS),
    ]
    found["TagNew", "ec2:CreateTags", CREATE_ACTION] = [own_tags_later]
    found["TagNew", "ec2:CreateTags", REQUEST_TAG] = [_launch(stage.own, TagSpecifications=card)]
    return found
