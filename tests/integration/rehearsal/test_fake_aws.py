"""Test the fake cloud: its process, its inventory, and the permissions of instance roles."""

import functools
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import iam as iam_policies
from rehearsal.fake_aws import inventory
from rehearsal.fake_aws.moto_patches import images
from rehearsal.fake_aws.process import Cloud, CloudError, running_cloud
from rehearsal.fake_aws.server import OneAtATime
from rehearsal.fake_aws.signature import ALGORITHM, Signature
from tests.support.fake_aws import served_aws

REGION = "eu-west-1"
MAY_READ_JOIN = (
    '{"Version": "2012-10-17", "Statement": ['
    '{"Effect": "Allow", "Action": "ssm:GetParameter",'
    ' "Resource": "arn:aws:ssm:eu-west-1:123456789012:parameter/dev/join"},'
    '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::scripts/*"}]}'
)


# --- the process ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud(tmp_path_factory) -> Any:
    with served_aws(tmp_path_factory.mktemp("state") / "machines") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def session(cloud) -> boto3.Session:
    keys = cloud.environment()
    return boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)


@pytest.fixture(scope="module")
def operator(cloud, session) -> Any:
    return functools.cache(lambda service: session.client(service, endpoint_url=cloud.endpoint))


@pytest.fixture(scope="module")
def role(operator) -> dict[str, str]:
    """Return the session of an instance role, as a machine gets it from its metadata service."""
    iam, ssm, s3 = operator("iam"), operator("ssm"), operator("s3")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=iam_policies.assume_role_policy())
    iam.put_role_policy(RoleName="worker", PolicyName="worker", PolicyDocument=MAY_READ_JOIN)
    for name in ("/dev/join", "/dev/kubeconfig"):
        ssm.put_parameter(Name=name, Value="pending", Type="SecureString")
    for bucket in ("scripts", "others"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key="a b+c.ps1", Body=b"script")
    return operator("sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/worker", RoleSessionName="i-1"
    )["Credentials"]


@pytest.fixture(scope="module")
def machine(cloud, session, role) -> Any:
    def client(service: str, **changed: str) -> Any:
        keys = {**role, **changed}
        return session.client(
            service,
            endpoint_url=cloud.endpoint,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return client


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_ready_file_names_a_cloud_that_answers_and_goes_away_with_it(tmp_path, number):
    with running_cloud(tmp_path, REGION) as cloud:
        assert Cloud.at(tmp_path) == cloud
        os.kill(cloud.pid, number)
        os.waitid(os.P_PID, cloud.pid, os.WEXITED | os.WNOWAIT)
        assert not (tmp_path / "cloud.json").exists(), "a stale file would mislead the next run"
    assert (tmp_path / "cloud.log").read_text() == "", "the cloud ended noisily"


def test_a_cloud_that_cannot_start_says_where_to_look(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with (
        pytest.raises(CloudError, match=r"stopped with code 1 before it was ready; see .*cloud\.log"),
        running_cloud(tmp_path, REGION),
    ):
        pass


def test_requests_run_one_at_a_time_because_moto_is_not_thread_safe():
    inside: list[int] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        inside.append(1)
        assert sum(inside) == 1, "two requests were in moto at once"
        barrier.wait(0.05) if len(inside) == 1 else None
        inside.append(-1)
        return [environ["wsgi.input"].read()]

    barrier = threading.Event()
    one = OneAtATime(application)
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(one(request(b"x"), None))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [[b"x"]] * 4


def request(body: bytes) -> dict[str, Any]:
    return {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}


# --- instance roles ---------------------------------------------------------------------------------------


def test_a_terminated_instance_writes_nothing_any_more(operator, machine):
    ec2 = operator("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    instance = ec2.run_instances(ImageId=image, InstanceType="t3.large", MinCount=1, MaxCount=1)["Instances"][
        0
    ]["InstanceId"]
    assumed = operator("sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/worker", RoleSessionName=instance
    )
    ssm = machine("ssm", **assumed["Credentials"])
    assert ssm.get_parameter(Name="/dev/join")["Parameter"]["Name"] == "/dev/join"

    ec2.terminate_instances(InstanceIds=[instance])

    with pytest.raises(ClientError, match="ExpiredTokenException"):
        ssm.get_parameter(Name="/dev/join")


def test_a_wrong_key_or_an_invented_token_is_refused(machine):
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        machine("ssm", SecretAccessKey="guessed").get_parameter(Name="/dev/join")
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        machine("ssm", SessionToken="guessed").get_parameter(Name="/dev/join")


@pytest.mark.parametrize(
    ("late", "refusal"),
    [
        (0, None),
        (299, None),
        (-299, None),
        (600, "expired: 20260101T120000Z is now earlier than 20260101T120500Z (20260101T121000Z - 5 min.)"),
        (
            -600,
            "not yet current: 20260101T120000Z is still later than 20260101T115500Z (20260101T115000Z + 5 "
            "min.)",
        ),
    ],
)
def test_a_signature_is_good_for_five_minutes_around_its_date(late, refusal):
    """The texts are those of github.com/aws/aws-sdk-java/issues/1764."""
    signed = datetime(2026, 1, 1, 12, tzinfo=UTC)
    credential = "Credential=key/20260101/eu-west-1/ssm/aws4_request"
    authorization = f"{ALGORITHM} {credential}, SignedHeaders=host, Signature={'0' * 64}"
    signature = Signature.of({"HTTP_AUTHORIZATION": authorization, "HTTP_X_AMZ_DATE": "20260101T120000Z"})
    assert signature is not None
    assert signature.skew(signed + timedelta(seconds=late)) == (refusal and f"Signature {refusal}")


# --- inventory --------------------------------------------------------------------------------------------


def test_the_inventory_finds_what_was_made_and_the_difference_names_it(cloud, session, operator, role):
    ec2, ssm, iam = operator("ec2"), operator("ssm"), operator("iam")
    before = inventory.list_everything(session, cloud.endpoint)
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "dev-vpc"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    ssm.put_parameter(
        Name="/dev/new", Value="x", Type="String", Tags=[{"Key": "microcosm:stack", "Value": "dev"}]
    )
    iam.put_role_policy(RoleName="worker", PolicyName="second", PolicyDocument=MAY_READ_JOIN)
    operator("s3").put_object(Bucket="state", Key="dev.json", Body=b"{}")
    live, dead = (launch(ec2) for _ in range(2))
    ec2.terminate_instances(InstanceIds=[dead])
    after = inventory.list_everything(session, cloud.endpoint)
    added = {resource.kind: resource for resource in inventory.difference(before, after).added}

    assert str(added["VPC"]) == f"VPC {vpc} (dev-vpc)"
    assert added["parameter"].tags == {"microcosm:stack": "dev"}
    assert added["inline policy"].id == "worker:second"
    assert "object" not in added, "Pulumi's own state is not a left-over"
    assert [resource.id for resource in after["instance"]] == [live], (
        "terminated machines are listed by AWS for an hour, and left nothing"
    )
    assert not [each for each in after["parameter"] if each.id.startswith("/aws/")], (
        "AWS's public parameters belong to no account"
    )


def launch(ec2: Any) -> str:
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    given = {"ImageId": images.IMAGES[0].id_in("eu-west-1"), "InstanceType": "t3.small", "SubnetId": subnet}
    return ec2.run_instances(MinCount=1, MaxCount=1, **given)["Instances"][0]["InstanceId"]
