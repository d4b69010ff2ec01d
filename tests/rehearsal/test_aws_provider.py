"""What the stand-in aws provider does alike for every type: plan, refuse, name, tag, keep secrets, see drift, survive half a creation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pulumi.runtime.proto import provider_pb2

import rehearsal
from rehearsal.aws_provider import aws as provider_aws
from rehearsal.aws_provider import service
from rehearsal.aws_provider.wire import Signature, to_struct
from tests.support.fake_aws import PUBLIC_KEY, fake_aws
from tests.support.plugin import start_and_interrupt
from tests.support.provider_driver import UNKNOWN, Context, Driver, Live, Refusal

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


def test_a_document_written_by_a_machine_is_no_drift_where_its_value_and_version_are_ignored(driver, session):
    live = driver.create(PARAMETER, "join", name="/join", type="SecureString", value="pending")
    session.client("ssm").put_parameter(Name="/join", Value="written", Type="SecureString", Overwrite=True)
    refreshed = driver.refresh(live)
    driver.delete(live)

    assert refreshed.state["value"] == "written"
    assert not driver.diff(refreshed, ("value", "version"), **live.inputs).diffs
    assert set(driver.diff(refreshed, ("value",), **live.inputs).diffs) == {"version"}, "the official provider computes it before it ignores"
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


def test_a_call_is_made_as_often_as_configured(session):
    driver = Driver(session, region="eu-west-1", maxRetries="7")
    assert driver.provider.aws.ec2.meta.config.retries == {"mode": "standard", "total_max_attempts": 7}


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
    port, code, complaints = start_and_interrupt(Path(rehearsal.__file__).parent / "bin" / "pulumi-resource-aws")

    assert 0 < port < 65_536
    assert (code, complaints) == (0, "")


def test_the_provider_says_the_version_of_the_sdk_that_it_serves(driver):
    assert driver.provider.GetPluginInfo(None, Context()).version == service.importlib.metadata.version("pulumi_aws")
