"""Check and Diff of the stand-in aws provider: refusals, names, defaults, tags, differences.

No call reaches AWS.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.build import toolchain
from tests.support import sdk_schema
from tests.support.provider_driver import UNKNOWN, Driver, Live, Refusal, driver_of
from tests.support.provider_plugin import names, plugin

VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
GROUP, RULE = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
)
INSTANCE, PARAMETER = "aws:ec2/instance:Instance", "aws:ssm/parameter:Parameter"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
VALUES = "one of `value,value_wo`"
# Pulumi's SDK generator leaves it out of the inputs; Check fills it in (pulumi/pulumi-aws, provider/tags.go).
NOT_IN_THE_SDK = {"tagsAll"}


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with driver_of(plugin(), region="eu-west-1") as driver:
        yield driver


@pytest.fixture(scope="module")
def tagging() -> Iterator[Driver]:
    with driver_of(
        plugin(), region="eu-west-1", defaultTags=json.dumps({"tags": {"owner": "team"}})
    ) as driver:
        yield driver


@pytest.fixture
def machine() -> dict[str, Any]:
    fixed = {
        "ami": "ami-1",
        "instanceType": "t3.large",
        "subnetId": "subnet-1",
        "userData": "<powershell>1</powershell>",
    }
    return {**fixed, "vpcSecurityGroupIds": ["sg-1"]}


def lived(driver: Driver, type_: str, inputs: dict[str, Any], **outputs: Any) -> Live:
    """A resource with these inputs and outputs that AWS never saw."""
    checked = driver.checked(type_, "subject", inputs)
    state = {name: value for name, value in checked.items() if name != "__defaults"}
    return Live(type_, "subject", "id-1", checked, state | {"id": "id-1", "region": "eu-west-1"} | outputs)


# --- names
# ------------------------------------------------------------------------------------------------------


def test_every_property_that_is_modelled_is_one_of_the_sdk():
    wrong: dict[str, set[str]] = {}
    for token, modelled in names().items():
        inputs, outputs = {*modelled["inputs"]} - NOT_IN_THE_SDK, {*modelled["outputs"]} - {"id"}
        if token.split(":")[-1].startswith("get"):
            arguments, results = sdk_schema.function_names(token)
            inputs, outputs = ({name for name in paths if "." not in name} for paths in (inputs, outputs))
            unknown = (inputs - arguments) | (outputs - results - arguments)
        else:
            unknown = (inputs - sdk_schema.input_paths(token)) | (outputs - sdk_schema.output_paths(token))
        if unknown:
            wrong[token] = unknown
    assert len(names()) > 20
    assert not wrong


def test_the_provider_says_the_version_of_the_sdk_that_it_serves(driver):
    assert driver.version() == toolchain.sdk_version()


# --- check
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "inputs", "complaint"),
    [
        (SUBNET, {"cidrBlock": "10.0.1.0/24"}, "Missing required argument"),
        (VPC, {"cidrBlok": "10.0.0.0/16"}, "does not model cidrBlok of aws:ec2/vpc:Vpc"),
        (VPC, {"ipv6CidrBlock": "::/56"}, "does not model ipv6CidrBlock of aws:ec2/vpc:Vpc"),
        (VPC, {"cidrBlock": "10.0.0.0/8"}, "between 16 and 28 significant bits"),
        (
            INSTANCE,
            {"rootBlockDevice": {"iops": 3000}, "hibernation": True},
            "does not model hibernation, rootBlockDevice.iops of aws:ec2/",
        ),
        (
            INSTANCE,
            {"ami": "a", "instanceType": "b", "rootBlockDevice": {"volumeSize": "big"}},
            "volume_size",
        ),
        (INSTANCE, {"instanceType": "t3.large"}, "`ami` must be specified"),
        (
            INSTANCE,
            {"ami": "a", "instanceType": "b", "userData": "c", "userDataBase64": "Yw=="},
            '"user_data": conflicts with user_data_base64',
        ),
        (
            INSTANCE,
            {"ami": "a", "instanceType": "b", "metadataOptions": {"httpTokens": "maybe"}},
            "http_tokens",
        ),
        (RULE, {"securityGroupId": "sg-1", "ipProtocol": "tcp"}, "must be given, got 0"),
        (
            RULE,
            {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0", "cidrIpv6": "::/0"},
            "must be given, got 2",
        ),
        (
            RULE,
            {"securityGroupId": "sg-1", "ipProtocol": "-1", "prefixListId": "pl-1"},
            "does not model prefixListId",
        ),
        (PARAMETER, {"type": "String"}, VALUES),
        (
            PARAMETER,
            {"type": "String", "value": "a", "valueWo": "b", "valueWoVersion": 1},
            "only one of `value,value_wo`",
        ),
        (
            PARAMETER,
            {"type": "SecureString", "valueWo": "a"},
            "all of `value_wo,value_wo_version` must be specified",
        ),
        (PARAMETER, {"type": "Secret", "value": "a"}, "expected type to be one of"),
        (ROLE, {"assumeRolePolicy": "no JSON"}, "invalid JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_inputs_that_the_official_provider_would_refuse_are_refused_before_anything_is_made(
    driver, type_, inputs, complaint
):
    try:
        _, failures = driver.check(type_, "subject", inputs)
    except Refusal as refusal:
        failures = [str(refusal)]

    assert any(complaint in failure for failure in failures), failures


def test_check_writes_the_defaults_into_the_inputs_and_names_them(tagging, machine):
    assert tagging.checked(VPC, "net", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "a"}}) == {
        "__defaults": ["enableDnsSupport", "instanceTenancy"],
        "cidrBlock": "10.0.0.0/16",
        "enableDnsSupport": True,
        "instanceTenancy": "default",
        "tags": {"Name": "a"},
        "tagsAll": {"Name": "a", "owner": "team"},
    }
    root = tagging.checked(INSTANCE, "i", {**machine, "rootBlockDevice": {"volumeSize": 30}})[
        "rootBlockDevice"
    ]
    assert root == {"__defaults": ["deleteOnTermination"], "deleteOnTermination": True, "volumeSize": 30}


def test_unknown_values_pass_the_check_because_a_preview_is_full_of_them(driver):
    inputs = {"vpcId": UNKNOWN, "cidrBlock": UNKNOWN, "tags": {"Name": UNKNOWN}}
    checked = driver.checked(SUBNET, "subject", inputs)

    assert {name: checked[name] for name in inputs} == inputs
    assert checked["tagsAll"] == UNKNOWN


def test_a_preview_shows_what_aws_will_choose_as_unknown_inside_objects_too(driver, machine):
    objects = {"metadataOptions": {"httpTokens": "required"}, "rootBlockDevice": {"volumeSize": 30}}
    preview = driver.preview(INSTANCE, "subject", **machine, **objects)

    assert preview["id"] == preview["privateIp"] == UNKNOWN
    assert preview["metadataOptions"]["httpPutResponseHopLimit"] == UNKNOWN
    assert preview["rootBlockDevice"]["volumeId"] == UNKNOWN
    assert preview["rootBlockDevice"]["volumeSize"] == 30
    assert preview["region"] == "eu-west-1"


def test_a_type_that_is_not_modelled_is_refused_by_name(driver):
    with pytest.raises(Refusal, match=r"aws:ec2/natGateway:NatGateway"):
        driver.check("aws:ec2/natGateway:NatGateway", "subject", {})


# --- generated names
# --------------------------------------------------------------------------------------------


def test_a_generated_name_follows_the_resource_and_stays(driver):
    first, _ = driver.check(ROLE, "worker", {"assumeRolePolicy": "{}"})
    again, _ = driver.check(ROLE, "worker", {"assumeRolePolicy": "{}", "path": "/x/"}, old=first)

    assert first["name"].startswith("worker-")
    assert again["name"] == first["name"], "every up would make another name, and so another role"


def test_a_name_of_the_users_own_that_is_taken_out_of_the_program_stays(driver):
    inputs = {"type": "String", "value": "v"}
    live = lived(
        driver, PARAMETER, {"name": "/own", **inputs}, arn="arn", version=1, tier="Standard", dataType="text"
    )

    assert not driver.diff(live, **inputs).replaces
    assert driver.checked(PARAMETER, "subject", inputs, live.inputs)["name"] == "/own"


@pytest.mark.parametrize(
    ("given", "first"), [({"name": "mine"}, True), ({}, False)], ids=["chosen by the user", "generated"]
)
def test_only_a_name_of_the_users_own_must_be_free_before_its_replacement(driver, given, first):
    diff = driver.diff(
        lived(driver, GROUP, {"vpcId": "vpc-1", **given}), vpcId="vpc-1", description="another", **given
    )

    assert list(diff.replaces) == ["description"]
    assert diff.deleteBeforeReplace is first


def test_another_name_of_the_users_own_replaces_the_resource_once_the_old_one_is_gone(driver):
    diff = driver.diff(lived(driver, GROUP, {"vpcId": "vpc-1", "name": "mine"}), vpcId="vpc-1", name="other")

    assert list(diff.replaces) == ["name"]
    assert diff.deleteBeforeReplace


# --- diff
# -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"ami": "ami-2"},
            {"subnetId": "subnet-2"},
            {"keyName": "other"},
        ),
        {"rootBlockDevice": {"encrypted": True}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_ec2_cannot_change_replaces_the_instance(driver, machine, change):
    live = lived(driver, INSTANCE, machine, rootBlockDevice={"encrypted": False, "deleteOnTermination": True})
    diff = driver.diff(live, **{**machine, **change})

    assert {each.split(".")[0] for each in diff.replaces} == {*change}


@pytest.mark.parametrize("replaces", [True, False])
def test_new_user_data_replaces_only_where_the_program_says_so(driver, machine, replaces):
    inputs = {**machine, "userDataReplaceOnChange": replaces}
    diff = driver.diff(
        lived(driver, INSTANCE, inputs), **{**inputs, "userData": "<powershell>2</powershell>"}
    )

    assert "userData" in diff.diffs
    assert bool(diff.replaces) is replaces


def test_a_tag_that_changes_shows_by_its_key_in_the_own_tags_and_in_all(tagging):
    live = lived(tagging, VPC, {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "a", "old": "x"}})
    diff = tagging.diff(live, cidrBlock="10.0.0.0/16", tags={"Name": "b", "new": "y"})

    assert not diff.replaces
    assert set(diff.detailedDiff) == {
        f"{tags}.{key}" for tags in ("tags", "tagsAll") for key in ("Name", "new", "old")
    }


def test_one_group_of_a_set_shows_alone(driver, machine):
    live = lived(driver, INSTANCE, {**machine, "vpcSecurityGroupIds": ["sg-1", "sg-2"]})

    assert driver.changes(live, **{**machine, "vpcSecurityGroupIds": ["sg-1", "sg-3"]}) == {
        "vpcSecurityGroupIds[1]"
    }


def test_a_rule_keeps_its_kind_of_source_for_life(driver):
    live = lived(
        driver,
        RULE,
        {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/16"},
        arn="arn",
        securityGroupRuleId="id-1",
    )
    diff = driver.diff(live, securityGroupId="sg-1", ipProtocol="-1", referencedSecurityGroupId="sg-2")

    assert diff.replaces
    assert {"cidrIpv4", "referencedSecurityGroupId"} <= set(diff.detailedDiff)


@pytest.mark.parametrize(
    ("ignored", "changed"),
    [((), {"ami", "tags", "tagsAll"}), (("ami",), {"tags", "tagsAll"}), (("ami", "tags", "tagsAll"), set())],
)
def test_ignored_changes_are_no_changes(driver, machine, ignored, changed):
    live = lived(driver, INSTANCE, {**machine, "tags": {"Name": "a"}})
    diff = driver.diff(live, ignored, **{**machine, "ami": "ami-2", "tags": {"Name": "b"}})

    assert {path.split(".")[0] for path in diff.diffs} == changed


def test_an_input_that_is_not_known_yet_is_a_change(driver, machine):
    assert list(
        driver.diff(lived(driver, INSTANCE, machine), **{**machine, "subnetId": UNKNOWN}).replaces
    ) == ["subnetId"]


def test_policies_are_compared_as_json_and_groups_without_order(driver, machine):
    role = lived(driver, ROLE, {"name": "r", "assumeRolePolicy": json.dumps(TRUST, indent=2)})
    assert not driver.changes(role, name="r", assumeRolePolicy=json.dumps(TRUST))
    live = lived(driver, INSTANCE, {**machine, "vpcSecurityGroupIds": ["sg-2", "sg-1"]})
    assert not driver.changes(live, **{**machine, "vpcSecurityGroupIds": ["sg-1", "sg-2"]})
