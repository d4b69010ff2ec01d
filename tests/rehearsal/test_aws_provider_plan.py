"""What the stand-in aws provider plans: which inputs it refuses, which names it makes, what it calls a difference. Nothing here asks AWS."""

import json
from typing import Any

import boto3
import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.aws_provider import schema
from rehearsal.aws_provider.kinds import load
from rehearsal.aws_provider.wire import to_struct
from tests.support.provider_driver import UNKNOWN, Context, Driver, Live, Refusal, urn

VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
GROUP, RULE = "aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
INSTANCE, PARAMETER = "aws:ec2/instance:Instance", "aws:ssm/parameter:Parameter"
TRUST = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}


@pytest.fixture(scope="module")
def driver() -> Driver:
    return Driver(boto3.Session(region_name="eu-west-1"), region="eu-west-1")


@pytest.fixture
def machine() -> dict[str, Any]:
    return {"ami": "ami-1", "instanceType": "t3.large", "subnetId": "subnet-1", "userData": "<powershell>1</powershell>"}


# --- tables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", load().values(), ids=load())
def test_the_tables_of_a_type_speak_of_properties_that_the_sdk_has(kind):
    tables = kind.tables
    top = {path.split(".")[0] for path in tables.inputs | tables.replace}
    assert top | tables.sets | tables.json | tables.defaults.keys() <= schema.input_names(kind.type_name)
    assert {*tables.computed, *tables.volatile, *tables.secret} <= schema.output_names(kind.type_name)
    assert {path.split(".")[0] for path in tables.replace} <= tables.inputs, "it replaces for an input that it does not implement"


# --- check ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "inputs", "complaint"),
    [
        (SUBNET, {"cidrBlock": "10.0.1.0/24"}, "Missing required property 'vpcId'."),
        (VPC, {"cidrBlok": "10.0.0.0/16"}, "Unknown property 'cidrBlok'; accepted are"),
        (VPC, {"ipv6CidrBlock": "::/56"}, "The stand-in aws provider does not implement ipv6CidrBlock of aws:ec2/vpc:Vpc."),
        (INSTANCE, {"rootBlockDevice": {"volumSize": 8}}, "Unknown property 'rootBlockDevice.volumSize'"),
        (INSTANCE, {"rootBlockDevice": {"iops": 3000}}, "does not implement rootBlockDevice.iops"),
        (INSTANCE, {"rootBlockDevice": {"volumeSize": "big"}}, "Expected int for 'rootBlockDevice.volumeSize', got 'big'."),
        (INSTANCE, {"vpcSecurityGroupIds": "sg-1"}, "Expected a list for 'vpcSecurityGroupIds', got 'sg-1'."),
        (INSTANCE, {"tags": ["Name"]}, "Expected a map for 'tags', got ['Name']."),
        (INSTANCE, {"metadataOptions": True}, "Expected an object for 'metadataOptions', got True."),
        (INSTANCE, {"instanceType": "t3.large"}, "ami is required: the stand-in aws provider has no launch templates."),
        (INSTANCE, {"ami": "a", "instanceType": "b", "userData": "c", "userDataBase64": "Yw=="}, "userData and userDataBase64 exclude each other."),
        (RULE, {"securityGroupId": "sg-1", "ipProtocol": "tcp"}, "got none."),
        (RULE, {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0", "cidrIpv6": "::/0"}, "got cidrIpv4, cidrIpv6."),
        (PARAMETER, {"type": "String", "value": "a", "insecureValue": "b"}, "Exactly one of value, insecureValue, valueWo must be given."),
        (PARAMETER, {"type": "SecureString", "valueWo": "a"}, "valueWo and valueWoVersion go together."),
        (PARAMETER, {"type": "SecureString", "insecureValue": "b"}, "A SecureString takes its text from value."),
        (VPC, {"cidrBlock": "10.0.0.0/16", "region": "us-east-1"}, "works in eu-west-1, its configured region, and not in us-east-1."),
    ],
)
def test_inputs_that_the_official_provider_would_refuse_are_refused_before_anything_is_made(driver, type_, inputs, complaint):
    _, failures = driver.check(type_, "subject", inputs)

    assert any(complaint in failure for failure in failures), failures


def test_unknown_values_pass_the_check_because_a_preview_is_full_of_them(driver):
    inputs = {"vpcId": UNKNOWN, "cidrBlock": UNKNOWN, "tags": {"Name": UNKNOWN}, "mapPublicIpOnLaunch": "true"}

    assert driver.check(SUBNET, "subject", inputs) == (inputs, [])


def test_a_preview_bears_objects_and_tags_that_are_not_known_at_all(driver, machine):
    inputs = {**machine, "tags": UNKNOWN, "volumeTags": UNKNOWN, "rootBlockDevice": UNKNOWN, "vpcSecurityGroupIds": [UNKNOWN]}
    preview = driver.preview(INSTANCE, "subject", **inputs)
    live = Live(INSTANCE, "subject", "i-1", machine, {**machine, "tagsAll": {}})

    assert preview["tagsAll"] is UNKNOWN
    assert preview["vpcSecurityGroupIds"] == [UNKNOWN]
    assert {"rootBlockDevice", "tags", "volumeTags"} <= driver.changes(live, **inputs)
    assert driver.update(live, preview=True, **inputs).state["rootBlockDevice"] is UNKNOWN


def test_a_type_that_is_not_implemented_is_refused_by_name(driver):
    with pytest.raises(Refusal, match=r"does not implement aws:ec2/natGateway:NatGateway; it implements .*aws:ec2/vpc:Vpc"):
        driver.check("aws:ec2/natGateway:NatGateway", "subject", {})


# --- names ------------------------------------------------------------------------------------------------------


def test_a_generated_name_follows_the_resource_and_stays(driver):
    first, _ = driver.check(ROLE, "worker", {"assumeRolePolicy": "{}"})
    again, _ = driver.check(ROLE, "worker", {"assumeRolePolicy": "{}", "path": "/x/"}, old=first)

    assert first["name"].startswith("worker-")
    assert again["name"] == first["name"], "every up would make another name, and so another role"


def test_a_name_that_the_engine_proposes_is_taken(driver):
    options = provider_pb2.CheckRequest.AutonamingOptions(proposed_name="as-proposed")
    request = provider_pb2.CheckRequest(urn=urn(ROLE, "worker"), news=to_struct({"assumeRolePolicy": "{}"}), autonaming=options)

    assert driver.provider.Check(request, Context()).inputs["name"] == "as-proposed"


@pytest.mark.parametrize(("given", "first"), [({"name": "mine"}, True), ({}, False)], ids=["chosen by the user", "generated"])
def test_only_a_name_of_the_users_own_must_be_free_before_its_replacement(driver, given, first):
    inputs = driver.checked(GROUP, "group", {"vpcId": "vpc-1", **given})
    diff = driver.diff(Live(GROUP, "group", "sg-1", inputs, {**inputs, "tagsAll": {}}), vpcId="vpc-1", description="another", **given)

    assert list(diff.replaces) == ["description"]
    assert diff.deleteBeforeReplace is first


# --- diff -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        *({"ami": "ami-2"}, {"subnetId": "subnet-2"}, {"keyName": "other"}, {"privateIp": "10.0.0.9"}, {"associatePublicIpAddress": True}),
        {"rootBlockDevice": {"encrypted": True}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_ec2_cannot_change_replaces_the_instance(driver, machine, change):
    live = Live(INSTANCE, "subject", "i-1", machine, {**machine, "rootBlockDevice": {"encrypted": False}, "tagsAll": {}})
    diff = driver.diff(live, **{**machine, **change})

    assert list(diff.replaces) == [*change]


@pytest.mark.parametrize("replaces", [True, False])
def test_new_user_data_replaces_only_where_the_program_says_so(driver, machine, replaces):
    inputs = {**machine, "userDataReplaceOnChange": replaces}
    live = Live(INSTANCE, "subject", "i-1", inputs, {**inputs, "tagsAll": {}})
    diff = driver.diff(live, **{**inputs, "userData": "<powershell>2</powershell>"})

    assert list(diff.diffs) == ["userData"]
    assert list(diff.replaces) == (["userData"] if replaces else [])


def test_a_rule_keeps_its_kind_of_source_for_life(driver):
    inputs = {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/16"}
    live = Live(RULE, "subject", "sgr-1", inputs, {**inputs, "tagsAll": {}})
    diff = driver.diff(live, securityGroupId="sg-1", ipProtocol="-1", referencedSecurityGroupId="sg-2")

    assert set(diff.replaces) == {"cidrIpv4", "referencedSecurityGroupId"}


@pytest.mark.parametrize(
    ("ignored", "changed"),
    [((), {"ami", "tags"}), (("ami",), {"tags"}), (("tags",), {"ami"}), (("ami", "tags.Name"), set()), (("tags.other",), {"ami", "tags"})],
)
def test_ignored_changes_are_no_changes(driver, machine, ignored, changed):
    live = Live(INSTANCE, "subject", "i-1", machine, {**machine, "tags": {"Name": "a"}, "tagsAll": {"Name": "a"}})
    diff = driver.diff(live, ignored, **{**machine, "ami": "ami-2", "tags": {"Name": "b"}})

    assert set(diff.diffs) == changed


def test_an_input_that_is_not_known_yet_is_a_change(driver, machine):
    live = Live(INSTANCE, "subject", "i-1", machine, {**machine, "tagsAll": {}})

    assert list(driver.diff(live, **{**machine, "subnetId": UNKNOWN}).replaces) == ["subnetId"]


def test_policies_are_compared_as_json_and_groups_without_order(driver):
    role = Live(ROLE, "r", "r", {"name": "r"}, {"name": "r", "assumeRolePolicy": json.dumps(TRUST, indent=2), "tagsAll": {}})
    assert not driver.changes(role, name="r", assumeRolePolicy=json.dumps(TRUST))
    state = {"ami": "a", "instanceType": "t", "vpcSecurityGroupIds": ["sg-2", "sg-1"], "tagsAll": {}}
    assert not driver.changes(Live(INSTANCE, "i", "i-1", {}, state), ami="a", instanceType="t", vpcSecurityGroupIds=["sg-1", "sg-2"])
