"""Test the fault layer of the fake cloud: which calls fail, with which error, and which take effect."""

import json
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from rehearsal.fake_aws.calls import STATE, call_of
from rehearsal.fake_aws.faults import CONTROL, FAULTS, Journal, Plan
from rehearsal.fake_aws.process import CREDENTIALS, running_cloud

CALLER = CREDENTIALS["AWS_ACCESS_KEY_ID"]
CIDR = "10.9.0.0/16"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), "eu-west-1") as cloud:
        yield cloud


def client(cloud, service: str, attempts: int = 1, caller: str = CALLER):
    retries = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(retries=retries, s3={"addressing_style": "path"})
    return boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=caller,
        aws_secret_access_key="x",
        config=config,
    )


@pytest.fixture
def plan(cloud):
    def put(fault: str | None, **more):
        body = json.dumps({"caller": CALLER, "fault": fault, **more} if fault else None).encode()
        with urllib.request.urlopen(
            urllib.request.Request(cloud.endpoint + CONTROL, body, method="PUT")
        ) as answer:
            return json.loads(answer.read())

    yield put
    put(None)


CALLS = {
    "ec2": (lambda c: c.create_vpc(CidrBlock=CIDR), "InternalError", "RequestLimitExceeded"),
    "iam": (
        lambda c: c.create_role(RoleName="r", AssumeRolePolicyDocument="{}"),
        "ServiceFailure",
        "Throttling",
    ),
    "ssm": (
        lambda c: c.put_parameter(Name="/p", Value="v", Type="String"),
        "InternalServerError",
        "ThrottlingException",
    ),
    "sts": (lambda c: c.get_caller_identity(), "InternalFailure", "Throttling"),
    "s3": (lambda c: c.list_buckets(), "InternalError", "SlowDown"),
}


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize(("fault", "word"), [("internal-error", 1), ("throttle", 2)])
def test_an_error_is_worded_as_its_service_words_it_and_nothing_happens(cloud, plan, service, fault, word):
    plan(fault)
    with pytest.raises(ClientError) as refused:
        CALLS[service][0](client(cloud, service))
    assert refused.value.response["Error"]["Code"] == CALLS[service][word]
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 500, 503)


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS.values() if fault.happens])
def test_a_lost_answer_leaves_the_effect(cloud, plan, fault):
    ec2 = client(cloud, "ec2")
    cidr = f"10.{[*FAULTS].index(fault)}.0.0/16"
    plan(fault)
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock=cidr)
    plan(None)
    assert len(ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [cidr]}])["Vpcs"]) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_the_sdk_gets_through_a_call_that_fails_once(cloud, plan, fault):
    plan(fault)
    assert client(cloud, "sts", attempts=2).get_caller_identity()["Account"]
    (call,) = plan(None)
    assert (call["service"], call["action"], call["seen"], call["failed"]) == (
        "sts",
        "GetCallerIdentity",
        2,
        1,
    )


def test_the_sdk_does_not_get_through_a_call_that_goes_on_failing(cloud, plan):
    plan("internal-error", always=True)
    with pytest.raises(ClientError):
        client(cloud, "sts", attempts=3).get_caller_identity()
    assert [call["failed"] for call in plan(None)] == [3]


def test_a_repeated_create_without_a_token_is_a_second_object_and_with_one_it_is_not(cloud, plan):
    """AWS does the same: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html."""
    ec2 = client(cloud, "ec2", attempts=2)
    plan("lost-reply")
    ec2.create_vpc(CidrBlock="10.44.0.0/16")
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.44.0.0/16"]}])["Vpcs"]
    assert len(vpcs) == 2
    ec2.create_route_table(VpcId=vpcs[0]["VpcId"])
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]}])[
        "RouteTables"
    ]
    assert len(tables) == 2, "the main one, and the one that was asked for twice with the same token"


def test_only_the_callers_own_calls_fail(cloud, plan):
    plan("internal-error", always=True)
    assert client(cloud, "sts", caller="SOMEBODYELSE").get_caller_identity()
    assert plan(None) == []


def test_calls_that_are_spared_or_of_other_services_pass(cloud, plan):
    plan("internal-error", services=["ec2"])
    assert client(cloud, "sts").get_caller_identity()
    (call,) = plan("internal-error", spare=[])
    plan("internal-error", spare=[call["key"]])
    assert client(cloud, "sts").get_caller_identity()


def test_reads_pass_where_only_changes_are_to_fail():
    journal = Journal(Plan.of({"caller": CALLER, "fault": "throttle", "changes": True}))
    actions = ("DescribeVpcs", "GetRole", "ListRoles", "CreateVpc", "AssumeRole")
    calls = [call_of(request(f"Action={action}"), f"Action={action}".encode()) for action in actions]
    assert [bool(journal.verdict(call)) for call in calls] == [False, False, False, True, True]


def test_what_is_made_anew_because_a_call_about_it_failed_does_not_fail_again():
    bodies = [
        f"Action=AttachInternetGateway&InternetGatewayId=igw-{digit * 17}&VpcId=vpc-{'0' * 17}"
        for digit in "ab"
    ]
    first, second = (call_of(request(body), body.encode()) for body in bodies)
    assert first.key != second.key
    journal = Journal(Plan.of({"caller": CALLER, "fault": "throttle", "always": True}))
    assert journal.verdict(first)
    (failed,) = [call["key"] for call in journal.document() if call["failed"]]
    assert not Journal(
        Plan.of({"caller": CALLER, "fault": "throttle", "always": True, "spare": [failed]})
    ).verdict(second)
    assert Journal(Plan.of({"caller": CALLER, "fault": "throttle", "spare": [failed]})).verdict(second), (
        "each once goes by the call itself"
    )


def test_a_limit_is_a_number_of_calls_not_of_attempts():
    journal = Journal(Plan.of({"caller": CALLER, "fault": "throttle", "always": True, "limit": 1}))
    first, second = (
        call_of(request(f"Action={action}&Version=1"), f"Action={action}&Version=1".encode())
        for action in ("A", "B")
    )
    assert [bool(journal.verdict(call)) for call in (first, first, second, first)] == [
        True,
        True,
        False,
        True,
    ]


def request(body: str, service: str = "ec2", **more: str) -> dict[str, str]:
    credential = f"{CALLER}/20260101/eu-west-1/{service}/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}"
    return {"HTTP_AUTHORIZATION": signature, "REQUEST_METHOD": "POST", "PATH_INFO": "/", **more}


def key(body: str, **more: str) -> str:
    return call_of(request(body, **more), body.encode()).key


def test_a_repetition_is_known_by_its_key_whatever_its_token_and_made_up_name():
    one = key("Action=CreateRole&RoleName=dev-role-1a2b3c4&ClientToken=1", service="iam")
    assert one == key("Action=CreateRole&RoleName=dev-role-ffffff0&ClientToken=2", service="iam")
    assert one != key("Action=CreateRole&RoleName=dev-other-1a2b3c4", service="iam")
    assert one != key("Action=DeleteRole&RoleName=dev-role-1a2b3c4", service="iam")


def test_pulumis_state_is_a_class_of_its_own():
    call = call_of(request("", "s3", REQUEST_METHOD="PUT", PATH_INFO="/state/.pulumi/stacks/p/dev.json"), b"")
    assert (call.service, call.action) == (STATE, "PUT")
    history = [
        call_of(request("", "s3", PATH_INFO=f"/state/.pulumi/history/dev-{number}.json"), b"").key
        for number in (1764070000123, 1764070009999)
    ]
    assert history[0] == history[1]


def test_what_is_not_signed_is_no_call():
    assert call_of({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, b"") is None
