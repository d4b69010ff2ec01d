"""Refusals, tags, secrets and drift of the stand-in aws provider against the fake cloud: alike for every
type.
"""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.provider_driver import UNKNOWN, Driver, Live, Refusal, driver_of, is_secret
from tests.support.provider_plugin import plugin

VPC, SUBNET, GATEWAY = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/internetGateway:InternetGateway"
GROUP, RULE = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
)
PARAMETER = "aws:ssm/parameter:Parameter"
SECONDS = 20


@pytest.fixture(scope="module")
def driver(cloud) -> Iterator[Driver]:
    with driver_of(plugin(), cloud, region="eu-west-1") as driver:
        yield driver


@pytest.fixture(scope="module")
def aws(served_session, cloud) -> Any:
    """Clients of the cloud, as an operator has them."""
    return lambda service: served_session.client(service, endpoint_url=cloud.endpoint)


@pytest.fixture(scope="module")
def vpc(driver) -> Live:
    return driver.create(VPC, "vpc", cidrBlock="10.0.0.0/16")


@pytest.fixture(scope="module")
def subnet(driver, vpc) -> Live:
    return driver.create(SUBNET, "subnet", vpcId=vpc.id, cidrBlock="10.0.0.0/20")


# --- create, update, delete
# -------------------------------------------------------------------------------------


def test_what_aws_refuses_is_one_sentence_with_the_kind_and_the_code(driver, vpc):
    with pytest.raises(
        Refusal, match=r"creating subnet: InvalidSubnet.Range: The CIDR '192.168.0.0/24' is invalid"
    ):
        driver.create(SUBNET, "outside", vpcId=vpc.id, cidrBlock="192.168.0.0/24")


def test_a_resource_that_is_made_but_not_finished_goes_into_the_state(driver, aws, vpc):
    first = driver.create(GATEWAY, "first", vpcId=vpc.id)
    with pytest.raises(Refusal, match=r"creating internet gateway igw-.*: InvalidParameterValue") as refusal:
        driver.create(GATEWAY, "second", vpcId=vpc.id)
    gateways = aws("ec2").describe_internet_gateways(InternetGatewayIds=[refusal.value.id])[
        "InternetGateways"
    ]
    assert gateways[0]["Attachments"] == [], (
        "the engine must learn of this gateway, or destroy would never find it"
    )
    for id_ in (first.id, refusal.value.id):
        driver.delete(Live(GATEWAY, "", id_, {}, {"vpcId": vpc.id}))


def test_a_deletion_waits_for_those_who_still_use_the_thing_and_then_says_who_refused(driver, vpc, subnet):
    with pytest.raises(
        Refusal,
        match=r"deleting VPC vpc-\w+: DependencyViolation: The vpc .* has dependencies and cannot be deleted",
    ):
        driver.delete(vpc, seconds=1)


def test_a_rule_that_refers_to_a_group_lets_go_of_it_when_it_is_deleted(driver, vpc):
    group, other = (driver.create(GROUP, name, vpcId=vpc.id) for name in ("group", "other"))
    user = driver.create(
        RULE, "user", securityGroupId=other.id, referencedSecurityGroupId=group.id, ipProtocol="-1"
    )
    with pytest.raises(Refusal, match="DependencyViolation"):
        driver.delete(group, seconds=1)
    for each in (user, group, other):
        driver.delete(each)
        assert driver.refresh(each) is None


def test_a_preview_of_an_update_says_which_outputs_will_move(driver):
    live = driver.create(PARAMETER, "p", name="/preview", type="String", value="one")
    preview = driver.update(live, preview=True, name="/preview", type="String", value="two").state
    driver.delete(live)

    assert preview["value"]["value"] == "two"
    assert preview["version"] == UNKNOWN
    assert preview["arn"] == live.state["arn"]


# --- secrets
# ----------------------------------------------------------------------------------------------------


def test_the_value_of_a_parameter_is_a_secret_in_the_inputs_and_in_the_state(driver):
    live = driver.create(PARAMETER, "p", name="/secret", type="SecureString", value="hidden")
    driver.delete(live)

    assert is_secret(live.inputs["value"])
    assert is_secret(live.state["value"])
    assert not is_secret(live.state["arn"])


# --- refresh
# ----------------------------------------------------------------------------------------------------


def test_drift_shows_in_the_state_and_the_next_up_would_undo_it(driver, aws):
    live = driver.create(VPC, "drifting", cidrBlock="10.8.0.0/16", tags={"Name": "mine"})
    aws("ec2").create_tags(Resources=[live.id], Tags=[{"Key": "stray", "Value": "yes"}])
    refreshed = driver.refresh(live)
    driver.delete(live)

    assert refreshed.state["tags"] == {"Name": "mine", "stray": "yes"}
    assert driver.changes(refreshed, cidrBlock="10.8.0.0/16", tags={"Name": "mine"}) == {
        "tags.stray",
        "tagsAll.stray",
    }


def test_a_document_written_by_a_machine_is_no_drift_where_its_value_and_version_are_ignored(driver, aws):
    live = driver.create(PARAMETER, "join", name="/join", type="SecureString", value="pending")
    aws("ssm").put_parameter(Name="/join", Value="written", Type="SecureString", Overwrite=True)
    refreshed = driver.refresh(live)
    driver.delete(live)
    program = {"name": "/join", "type": "SecureString", "value": "pending"}

    assert refreshed.state["value"]["value"] == "written"
    assert not driver.diff(refreshed, ("value", "version"), **program).diffs
    assert set(driver.diff(refreshed, ("value",), **program).diffs) == {"version"}, (
        "it is computed before it is ignored"
    )
    assert "value" in set(driver.diff(refreshed, (), **program).diffs)


def test_a_write_only_value_is_in_no_state_and_a_refresh_loses_the_input(driver):
    live = driver.create(
        PARAMETER, "unseen", name="/unseen", type="SecureString", valueWo="hidden", valueWoVersion=1
    )
    refreshed = driver.refresh(live)
    driver.delete(live)

    assert live.state["hasValueWo"] is True
    assert "hidden" not in json.dumps(live.state)
    assert "valueWo" not in refreshed.inputs


@pytest.mark.parametrize(("type_", "id_"), [(VPC, "{vpc}"), (SUBNET, "{subnet}")], ids=["VPC", "subnet"])
def test_a_resource_is_found_again_by_its_id_alone(driver, vpc, subnet, type_, id_):
    known = {VPC: vpc, SUBNET: subnet}[type_]
    found = driver.refresh(Live(type_, "known", id_.format(vpc=vpc.id, subnet=subnet.id), {}, {}))

    assert {name: found.state.get(name) for name in ("arn", "cidrBlock", "region")} == {
        name: known.state[name] for name in ("arn", "cidrBlock", "region")
    }
    assert found.inputs["cidrBlock"] == known.inputs["cidrBlock"]


# --- tags
# -------------------------------------------------------------------------------------------------------


def test_default_tags_are_on_the_resource_and_not_among_its_own(cloud):
    defaults = {"tags": {"owner": "team", "Name": "default"}}
    with driver_of(plugin(), cloud, region="eu-west-1", defaultTags=json.dumps(defaults)) as tagging:
        live = tagging.create(VPC, "tagged", cidrBlock="10.7.0.0/16", tags={"Name": "own"})
        assert live.state["tags"] == {"Name": "own"}
        assert live.state["tagsAll"] == {"Name": "own", "owner": "team"}
        assert tagging.refresh(live) == live

    program = {"cidrBlock": "10.7.0.0/16", "tags": {"Name": "own"}}
    with driver_of(
        plugin(), cloud, region="eu-west-1", defaultTags=json.dumps({"tags": {"owner": "others"}})
    ) as renamed:
        assert renamed.changes(live, **program) == {"tagsAll.owner"}, (
            "changed defaults must reach resources that did not change"
        )
        live = renamed.update(live, **program)
        assert live.state["tagsAll"] == {"Name": "own", "owner": "others"}
        renamed.delete(live)


# --- configuration and functions
# --------------------------------------------------------------------------------


def test_configuration_that_would_be_ignored_is_refused(cloud):
    with (
        pytest.raises(Refusal, match="assumeRoles"),
        driver_of(plugin(), cloud, region="eu-west-1", assumeRoles="[]"),
    ):
        pass


def test_a_call_is_made_as_often_as_configured():
    refused = "GetCallerIdentity, exceeded maximum number of attempts, 2,"
    with (
        driver_of(plugin(), region="eu-west-1", maxRetries="2") as driver,
        pytest.raises(Refusal, match=refused),
    ):
        driver.invoke("aws:index/getCallerIdentity:getCallerIdentity")


def test_without_a_region_the_provider_says_what_to_set(cloud):
    with (
        pytest.raises(Refusal, match="no AWS region is configured; set aws:region or AWS_REGION"),
        driver_of(plugin(), cloud),
    ):
        pass


def test_another_region_than_the_configured_one_is_refused(driver):
    with pytest.raises(Refusal, match="works in eu-west-1, its configured region, and not in us-east-1"):
        driver.preview(VPC, "abroad", cidrBlock="10.0.0.0/16", region="us-east-1")


def test_functions_answer_what_the_program_asks(driver):
    assert driver.invoke("aws:index/getRegion:getRegion")["region"] == "eu-west-1"
    assert driver.invoke("aws:index/getPartition:getPartition")["partition"] == "aws"
    assert driver.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    offered = driver.invoke(
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
        filters=[{"name": "instance-type", "values": ["t3.large"]}],
        locationType="availability-zone",
    )
    assert sorted(offered["locations"]) == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


@pytest.mark.parametrize(
    ("function", "arguments", "complaint"),
    [
        (
            "aws:ssm/getParameter:getParameter",
            {"name": "/none"},
            "there is no SSM parameter /none in eu-west-1",
        ),
        (
            "aws:ssm/getParameter:getParameter",
            {"name": "/none", "nameRegex": "n"},
            r"\[name_regex\] Invalid or unknown key",
        ),
        ("aws:ec2/getVpc:getVpc", {}, "aws:ec2/getVpc:getVpc"),
    ],
)
def test_functions_say_what_is_wrong(driver, function, arguments, complaint):
    with pytest.raises(Refusal, match=complaint):
        driver.invoke(function, **arguments)


# --- the plugin
# -------------------------------------------------------------------------------------------------


def test_the_plugin_ends_quietly_when_it_is_interrupted():
    process = subprocess.Popen(
        [plugin()],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell starts what it puts into the background with SIGINT ignored, and so its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    port = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=SECONDS)

    assert 0 < int(port) < 65_536
    assert complaints == ""


def test_the_plugin_needs_nothing_besides_itself(tmp_path):
    """The engine starts it by its path, wherever the cache lies."""
    copy = shutil.copy(plugin(), tmp_path)

    assert subprocess.run(
        [copy, "-version"], capture_output=True, text=True, env={}, check=True
    ).stdout.strip()
