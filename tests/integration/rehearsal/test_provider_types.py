"""Create, change, refresh and delete one resource of every type of the stand-in aws provider in the fake
cloud.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rehearsal.fake_aws import inventory
from rehearsal.fake_aws.process import Cloud
from tests.support.aws_world import TRUST, World
from tests.support.provider_driver import UNKNOWN, Driver, Live, driver_of
from tests.support.provider_plugin import names, plugin

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}],
}
TAGS = {"Name": "first", "microcosm:stack": "dev"}
OTHER_TAGS = {"Name": "second", "extra": "yes"}


@pytest.fixture(scope="module")
def driver(cloud: Cloud) -> Iterator[Driver]:
    with driver_of(plugin(), cloud, region="eu-west-1") as driver:
        yield driver


@pytest.fixture
def world(driver) -> Iterator[World]:
    world = World(driver)
    yield world
    world.unmake()


@dataclass(frozen=True)
class Life:
    """A type, the inputs that it starts with, and what changes about them in place (None takes an input
    away).
    """

    type: str
    inputs: Callable[[World], dict[str, Any]]
    changes: Callable[[World], dict[str, Any]] = field(default=lambda _: {})

    def __str__(self) -> str:
        return self.type.split(":")[-1]


def gzipped(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def rule(world: World) -> dict[str, Any]:
    return {
        "securityGroupId": world.group(),
        "cidrIpv4": "203.0.113.0/24",
        "fromPort": 22,
        "toPort": 22,
        "ipProtocol": "tcp",
        "tags": TAGS,
    }


RULE_CHANGES = {
    "cidrIpv4": "198.51.100.0/24",
    "fromPort": 80,
    "toPort": 90,
    "description": "now described",
    "tags": OTHER_TAGS,
}
LIVES = [
    Life(
        "aws:ec2/vpc:Vpc",
        lambda _: {"cidrBlock": "10.9.0.0/16", "tags": TAGS},
        lambda _: {"enableDnsHostnames": True, "enableDnsSupport": False, "tags": OTHER_TAGS},
    ),
    Life(
        "aws:ec2/subnet:Subnet",
        lambda w: {
            "vpcId": w.vpc,
            "cidrBlock": "10.0.9.0/24",
            "availabilityZone": "eu-west-1c",
            "tags": TAGS,
        },
        lambda _: {"mapPublicIpOnLaunch": True, "tags": OTHER_TAGS},
    ),
    Life(
        "aws:ec2/internetGateway:InternetGateway",
        lambda _: {"tags": TAGS},
        lambda w: {"vpcId": w.vpc, "tags": OTHER_TAGS},
    ),
    Life(
        "aws:ec2/routeTable:RouteTable",
        lambda w: {"vpcId": w.vpc, "tags": TAGS},
        lambda _: {"tags": OTHER_TAGS},
    ),
    Life(
        "aws:ec2/route:Route",
        lambda w: {"routeTableId": w.table(), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": w.gateway},
    ),
    Life(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda w: {"subnetId": w.subnet(), "routeTableId": w.table()},
        lambda w: {"routeTableId": w.table("other")},
    ),
    Life(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda w: {"vpcId": w.vpc, "tags": TAGS},
        lambda _: {"tags": OTHER_TAGS},
    ),
    Life("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", rule, lambda _: RULE_CHANGES),
    Life("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", rule, lambda _: RULE_CHANGES),
    Life(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        lambda w: {
            "securityGroupId": w.group(),
            "referencedSecurityGroupId": w.group("a"),
            "ipProtocol": "-1",
            "description": "all",
        },
        lambda w: {"referencedSecurityGroupId": w.group("b"), "description": None},
    ),
    Life(
        "aws:ec2/instance:Instance",
        lambda w: w.instance(
            iamInstanceProfile=w.profile(),
            userDataBase64=gzipped("#!/bin/sh"),
            metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1},
            rootBlockDevice={"volumeSize": 20, "volumeType": "gp3", "encrypted": True},
            tags=TAGS,
        ),
        lambda w: {
            "instanceType": "t3.large",
            "iamInstanceProfile": w.profile("other-profile"),
            "vpcSecurityGroupIds": [w.group("b"), w.group("a")],
            "userDataBase64": gzipped("#!/bin/bash"),
            "metadataOptions": {"httpTokens": "optional", "httpPutResponseHopLimit": 2},
            "rootBlockDevice": {
                "volumeSize": 40,
                "volumeType": "gp2",
                "encrypted": True,
                "deleteOnTermination": True,
            },
            "sourceDestCheck": False,
            "instanceInitiatedShutdownBehavior": "terminate",
            "tags": OTHER_TAGS,
        },
    ),
    Life(
        "aws:ec2/instance:Instance",
        lambda w: w.instance(userData="<powershell>1</powershell>", volumeTags=TAGS, tags=TAGS),
        lambda _: {"userData": "<powershell>2</powershell>", "volumeTags": OTHER_TAGS},
    ),
    Life("aws:ec2/eip:Eip", lambda _: {"domain": "vpc", "tags": TAGS}, lambda _: {"tags": OTHER_TAGS}),
    Life(
        "aws:ec2/eipAssociation:EipAssociation",
        lambda w: {"allocationId": w.make("aws:ec2/eip:Eip", "address").id, "instanceId": w.machine},
    ),
    Life(
        "aws:ssm/parameter:Parameter",
        lambda _: {
            "name": "/microcosm/dev/join",
            "type": "SecureString",
            "value": "pending",
            "description": "first",
            "tags": TAGS,
        },
        lambda _: {"value": "joined", "description": None, "tags": OTHER_TAGS},
    ),
    Life(
        "aws:ssm/parameter:Parameter",
        lambda _: {
            "name": "/microcosm/dev/unseen",
            "type": "SecureString",
            "valueWo": "pending",
            "valueWoVersion": 1,
        },
        lambda _: {"valueWoVersion": 2},
    ),
    Life(
        "aws:iam/role:Role",
        lambda _: {"assumeRolePolicy": json.dumps(TRUST), "description": "first", "tags": TAGS},
        lambda _: {
            "assumeRolePolicy": json.dumps({**TRUST, "Id": "2"}),
            "description": "second",
            "tags": OTHER_TAGS,
        },
    ),
    Life(
        "aws:iam/rolePolicy:RolePolicy",
        lambda w: {"role": w.role(), "policy": json.dumps(POLICY)},
        lambda _: {"policy": json.dumps({**POLICY, "Id": "2"})},
    ),
    Life(
        "aws:iam/instanceProfile:InstanceProfile",
        lambda w: {"role": w.role("a"), "tags": TAGS},
        lambda w: {"role": w.role("b"), "tags": OTHER_TAGS},
    ),
    Life("aws:s3/bucket:Bucket", lambda _: {"tags": TAGS}, lambda _: {"tags": OTHER_TAGS}),
    Life(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        lambda w: {"bucket": w.bucket, "key": "a/b.ps1", "content": "one", "tags": TAGS},
        lambda _: {"content": "two", "contentType": "text/plain", "tags": OTHER_TAGS},
    ),
]


@pytest.fixture(scope="module")
def untouched(served_session, cloud) -> inventory.Inventory:
    return inventory.list_everything(served_session, cloud.endpoint)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("life", LIVES, ids=str)
def test_a_resource_is_what_was_asked_for_changes_in_place_and_goes_away(life, driver, world):
    inputs = life.inputs(world)
    changed = {**inputs, **life.changes(world)}
    preview = driver.preview(life.type, "subject", **inputs)

    live = driver.create(life.type, "subject", **inputs)
    assert not broken_promises(preview, live.state), "the preview showed something else"
    assert not driver.changes(live, **inputs), "an up right after an up would change something"
    assert seen(driver.refresh(live)) == seen(live), "a refresh right after an up would show drift"

    if changed != inputs:
        diff = driver.diff(live, **without_none(changed))
        assert not diff.replaces, "this change would replace the resource"
        paths = {path.split(".")[0].split("[")[0] for path in diff.detailedDiff}
        assert paths & changed.keys() == really_changed(driver, life, inputs, changed) & changed.keys()
        live = driver.update(live, **without_none(changed))
        assert not driver.changes(live, **without_none(changed)), "the update did not reach AWS"
        live = refreshed(driver, live)
        assert not driver.changes(live, **without_none(changed)), (
            "the update recorded something else than it did"
        )

    driver.delete(live)
    assert driver.refresh(live) is None, "a deleted resource is still there"
    driver.delete(live)


def test_nothing_is_left_when_every_resource_is_deleted(served_session, cloud, untouched):
    left = inventory.difference(untouched, inventory.list_everything(served_session, cloud.endpoint))

    assert not left, f"left behind or taken along: {left}"


def test_every_type_has_a_life_in_this_file():
    functions = {token for token in names() if token.split(":")[-1].startswith("get")}
    assert {life.type for life in LIVES} == names().keys() - functions


def refreshed(driver: Driver, live: Live) -> Live:
    """The resource as a refresh leaves it, which must not have changed it."""
    after = driver.refresh(live)
    assert seen(after) == seen(live), "a refresh right after an update would show drift"
    assert after
    return after


def seen(live: Live | None) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The inputs and the state that a user sees."""
    return live and (visible(live.inputs), visible(live.state))


def visible(values: dict[str, Any]) -> dict[str, Any]:
    """Without the bridge's own notes. Empty is absent: Terraform's SDK writes either."""
    shown = {
        name: value
        for name, value in values.items()
        if not name.startswith("__") and name != WRITE_ONLY and value not in EMPTY
    }
    # AWS's sets have no order: the bridge shows the program's before a refresh, and its own after it.
    return {
        name: sorted(value, key=str) if isinstance(value, list) else value for name, value in shown.items()
    }


def without_none(inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if value is not None}


def really_changed(driver: Driver, life: Life, inputs: dict[str, Any], changed: dict[str, Any]) -> set[str]:
    """Inputs that differ once Check has written the defaults into both: absent means what it meant anyway."""
    old = driver.checked(life.type, "subject", inputs)
    new = driver.checked(life.type, "subject", without_none(changed), old)
    return {name for name in visible(old).keys() | visible(new).keys() if old.get(name) != new.get(name)}


EMPTY: tuple[Any, ...] = ({}, [], "")
# A refresh loses it, since no state has it (pulumi/pulumi-terraform-bridge, issue 3201).
WRITE_ONLY = "valueWo"


def broken_promises(preview: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Values that came otherwise than the preview announced, and outputs that it did not announce."""
    told = {
        name: value
        for name, value in visible(preview).items()
        if value != UNKNOWN and not isinstance(value, dict | list)
    }
    different = {name: state.get(name) for name, value in told.items() if state.get(name) != value}
    return different | {name: state[name] for name in visible(state).keys() - preview.keys()}
