"""What the stand-in aws provider does alike for every type: plan, refuse, name, tag, keep secrets, see drift, survive half a creation."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pulumi.runtime.proto import provider_pb2

import rehearsal
from rehearsal.aws_provider import aws as provider_aws
from rehearsal.aws_provider import schema, service
from rehearsal.aws_provider.kinds import load
from rehearsal.aws_provider.wire import Signature, to_struct
from tests.support.fake_aws import PUBLIC_KEY, fake_aws
from tests.support.provider_driver import UNKNOWN, Context, Driver, Live, Refusal, urn

VPC, SUBNET, GATEWAY = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/internetGateway:InternetGateway"
GROUP, RULE, INSTANCE = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:ec2/instance:Instance",
)
PARAMETER, ROLE, KEY = "aws:ssm/parameter:Parameter", "aws:iam/role:Role", "aws:ec2/keyPair:KeyPair"
TRUST = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Iterator[boto3.Session]:
    with fake_aws(tmp_path_factory.mktemp("machines")) as session:
        yield session


@pytest.fixture(scope="module")
def driver(session) -> Driver:
    return Driver(session, region="eu-west-1")


@pytest.fixture(scope="module")
def vpc(driver) -> Live:
    return driver.create(VPC, "vpc", cidrBlock="10.0.0.0/16")


@pytest.fixture(scope="module")
def subnet(driver, vpc) -> Live:
    return driver.create(SUBNET, "subnet", vpcId=vpc.id, cidrBlock="10.0.0.0/20")


@pytest.fixture
def machine(driver, subnet) -> dict[str, Any]:
    windows = "/aws/service/ami-windows-latest/Windows_Server-2019-English-Core-Base"
    ami = driver.invoke("aws:ssm/getParameter:getParameter", name=windows)["value"]
    return {"ami": ami, "instanceType": "t3.large", "subnetId": subnet.id, "userData": "<powershell>1</powershell>"}


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
        (PARAMETER, {"type": "String", "value": "a", "insecureValue": "b"}, "Exactly one of value and insecureValue must be given."),
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
def test_only_a_name_of_the_users_own_must_be_free_before_its_replacement(driver, vpc, given, first):
    group = driver.create(GROUP, f"of-{first}", vpcId=vpc.id, **given)
    diff = driver.diff(group, vpcId=vpc.id, description="another", **given)
    driver.delete(group)

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


# --- create, update, delete -------------------------------------------------------------------------------------


def test_what_aws_refuses_is_one_sentence_with_the_resource_and_the_code(driver, vpc):
    with pytest.raises(Refusal, match=r"^creating subnet outside: InvalidSubnet.Range: The CIDR '192.168.0.0/24' is invalid$"):
        driver.create(SUBNET, "outside", vpcId=vpc.id, cidrBlock="192.168.0.0/24")


def test_a_resource_that_is_made_but_not_finished_goes_into_the_state(driver, session, vpc):
    first = driver.create(GATEWAY, "first", vpcId=vpc.id)
    with pytest.raises(Refusal, match="creating internet gateway second: InvalidParameterValue") as refusal:
        driver.create(GATEWAY, "second", vpcId=vpc.id)
    gateways = session.client("ec2").describe_internet_gateways(InternetGatewayIds=[refusal.value.id])["InternetGateways"]
    assert gateways[0]["Attachments"] == [], "the engine must learn of this gateway, or destroy would never find it"
    for id_ in (first.id, refusal.value.id):
        driver.delete(Live(GATEWAY, "", id_, {}, {}))


def test_a_deletion_waits_a_bounded_time_for_those_who_still_use_the_thing(driver, session, vpc, monkeypatch):
    group = driver.create(GROUP, "group", vpcId=vpc.id)
    user = driver.create(
        RULE, "user", securityGroupId=driver.create(GROUP, "other", vpcId=vpc.id).id, referencedSecurityGroupId=group.id, ipProtocol="-1"
    )
    deletions = []

    def release(**_: Any) -> None:
        deletions.append(group.id)
        if len(deletions) == 2:
            driver.delete(user)

    monkeypatch.setattr(provider_aws, "POLL_INTERVAL", 0.01)
    client = driver.provider.aws.ec2
    client.meta.events.register("before-call.ec2.DeleteSecurityGroup", release)
    driver.delete(group)
    client.meta.events.unregister("before-call.ec2.DeleteSecurityGroup", release)

    assert len(deletions) == 2, "the first refusal should have been waited out, and the second try should have worked"


def test_the_wait_ends_with_what_aws_says(driver, subnet, vpc):
    with pytest.raises(Refusal, match=r"deleting VPC vpc: DependencyViolation: The vpc .* has dependencies and cannot be deleted"):
        driver.delete(vpc)


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(provider_aws, "RELEASE_TIMEOUT", 0.05)


def test_a_preview_of_an_update_says_which_outputs_will_move(driver):
    live = driver.create(PARAMETER, "p", name="/preview", type="String", value="one")
    preview = driver.update(live, preview=True, name="/preview", type="String", value="two").state
    driver.delete(live)

    assert preview["value"] == "two"
    assert preview["version"] is UNKNOWN
    assert preview["arn"] == live.state["arn"]


# --- secrets ----------------------------------------------------------------------------------------------------


def is_secret(value: Any) -> bool:
    return value.struct_value.fields[Signature.KEY].string_value == Signature.CONCEALED


def test_values_of_parameters_and_passwords_are_secrets_in_the_state(driver, machine):
    parameter = driver.create_raw(PARAMETER, "p", {"name": "/secret", "type": "SecureString", "value": "hidden"})
    assert is_secret(parameter.properties.fields["value"])
    assert not is_secret(parameter.properties.fields["arn"])
    key = driver.create(KEY, "key", publicKey=PUBLIC_KEY)
    checked = driver.checked(INSTANCE, "i", {**machine, "keyName": key.id, "getPasswordData": True})
    assert is_secret(driver.create_raw(INSTANCE, "i", checked).properties.fields["passwordData"])


# --- refresh ----------------------------------------------------------------------------------------------------


def test_drift_shows_in_state_and_inputs_and_the_next_up_would_undo_it(driver, session):
    live = driver.create(VPC, "drifting", cidrBlock="10.8.0.0/16", tags={"Name": "mine"})
    session.client("ec2").create_tags(Resources=[live.id], Tags=[{"Key": "stray", "Value": "yes"}])
    refreshed = driver.refresh(live)
    driver.delete(live)

    assert refreshed.state["tags"] == refreshed.inputs["tags"] == {"Name": "mine", "stray": "yes"}
    assert driver.changes(refreshed, cidrBlock="10.8.0.0/16", tags={"Name": "mine"}) == {"tags"}


def test_a_document_written_by_a_machine_is_no_drift_where_its_value_is_ignored(driver, session):
    live = driver.create(PARAMETER, "join", name="/join", type="SecureString", value="pending")
    session.client("ssm").put_parameter(Name="/join", Value="written", Type="SecureString", Overwrite=True)
    refreshed = driver.refresh(live)
    driver.delete(live)

    assert refreshed.state["value"] == "written"
    assert not driver.diff(refreshed, ("value",), **live.inputs).diffs
    assert set(driver.diff(refreshed, (), **live.inputs).diffs) == {"value"}


def test_a_resource_is_found_again_by_its_id_alone_where_that_can_be(driver, vpc):
    found = driver.refresh(Live(VPC, "known", vpc.id, {}, {}))
    assert found.state == vpc.state
    assert found.inputs == {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": False, "enableDnsSupport": True, "instanceTenancy": "default"}
    with pytest.raises(Refusal, match="the stand-in aws provider cannot import aws:ec2/route:Route"):
        driver.refresh(Live("aws:ec2/route:Route", "known", "r-1", {}, {}))


# --- tags -------------------------------------------------------------------------------------------------------


def test_default_tags_are_on_the_resource_and_not_among_its_own(session):
    tagging = Driver(session, region="eu-west-1", defaultTags=json.dumps({"tags": {"owner": "team", "Name": "default"}}))
    live = tagging.create(VPC, "tagged", cidrBlock="10.7.0.0/16", tags={"Name": "own"})
    assert live.state["tags"] == {"Name": "own"}
    assert live.state["tagsAll"] == {"Name": "own", "owner": "team"}
    assert tagging.refresh(live) == live

    renamed = Driver(session, region="eu-west-1", defaultTags={"tags": {"owner": "others"}})
    assert renamed.changes(live) == {"tagsAll"}, "changed defaults must reach resources that did not change"
    live = renamed.update(live, **live.inputs)
    assert live.state["tagsAll"] == {"Name": "own", "owner": "others"}
    renamed.delete(live)


# --- configuration and functions --------------------------------------------------------------------------------


def test_configuration_that_would_be_ignored_is_refused(driver):
    request = provider_pb2.CheckRequest(news=to_struct({"region": "eu-west-1", "assumeRoles": "[]", "version": "7"}))
    failures = driver.provider.CheckConfig(request, Context()).failures

    assert [failure.property for failure in failures] == ["assumeRoles"]


def test_without_a_region_the_provider_says_what_to_set(session, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(Refusal, match="no AWS region is configured; set aws:region or AWS_REGION"):
        Driver(session)


def test_functions_answer_what_the_program_asks(driver):
    assert driver.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", state="available")["names"] == [
        "eu-west-1a",
        "eu-west-1b",
        "eu-west-1c",
    ]
    assert driver.invoke("aws:index/getRegion:getRegion")["region"] == "eu-west-1"
    assert driver.invoke("aws:index/getPartition:getPartition")["partition"] == "aws"
    assert driver.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    assert driver.invoke("aws:ec2/getInstanceType:getInstanceType", instanceType="t3.large")["memorySize"] == 8192
    filters = [{"name": "name", "values": ["ubuntu/images/*24.04-amd64*"]}]
    assert driver.invoke("aws:ec2/getAmi:getAmi", owners=["099720109477"], filters=filters)["rootDeviceName"] == "/dev/sda1"


@pytest.mark.parametrize(
    ("function", "arguments", "complaint"),
    [
        ("aws:ssm/getParameter:getParameter", {"name": "/none"}, "calling getParameter: there is no SSM parameter /none in eu-west-1"),
        ("aws:ec2/getAmi:getAmi", {"owners": ["self"]}, "calling getAmi: no image matches .*; change the filters or the owners"),
        ("aws:ec2/getAmi:getAmi", {"owners": ["801119661308"]}, "calling getAmi: 6 images match .*; narrow the filters or set mostRecent"),
        ("aws:ec2/getInstanceType:getInstanceType", {"instanceType": "t9.huge"}, "calling getInstanceType: InvalidInstanceType: "),
        ("aws:ec2/getVpc:getVpc", {}, "does not implement the function aws:ec2/getVpc:getVpc; it implements "),
    ],
)
def test_functions_say_what_is_wrong(driver, function, arguments, complaint):
    with pytest.raises(Refusal, match=complaint):
        driver.invoke(function, **arguments)


# --- the plugin -------------------------------------------------------------------------------------------------


def test_the_plugin_prints_its_port_and_ends_quietly_when_told():
    plugin = Path(rehearsal.__file__).parent / "bin" / "pulumi-resource-aws"
    environment = {"PATH": "/usr/bin:/bin", "PULUMI_PYTHON_CMD": sys.executable}
    with subprocess.Popen([plugin, "127.0.0.1:1"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        port = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=10)

    assert 0 < int(port) < 65_536
    assert (process.returncode, complaints) == (0, b"")


def test_the_provider_says_the_version_of_the_sdk_that_it_serves(driver):
    assert driver.provider.GetPluginInfo(None, Context()).version == service.importlib.metadata.version("pulumi_aws")
