"""Test the rates of an account: the bucket of each call, the refusals and their texts."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.fake_aws.calls import Call
from rehearsal.fake_aws.process import CREDENTIALS, running_cloud
from rehearsal.fake_aws.rates import RATES_PATH, Buckets, Rate, rate_of
from rehearsal.fake_aws.settings import STAND_IN_KEY


def of(service: str, action: str, body: bytes = b"", caller: str = "someone"):
    found = rate_of(Call(caller, service, action, "key"), body)
    return found and (found[0], found[1].burst, found[1].a_second)


@pytest.mark.parametrize(
    ("service", "action", "body", "bucket"),
    [
        ("ec2", "RunInstances", b"", ("ec2:RunInstances", 5, 2)),
        ("ec2", "CreateVpc", b"", ("ec2:CreateVpc", 50, 5)),
        ("ec2", "DescribeVpcs", b"", ("ec2:DescribeVpcs", 100, 20)),
        ("ec2", "DescribeVolumes", b"VolumeId.1=vol-1", ("ec2:DescribeVolumes without filter", 50, 10)),
        ("ec2", "DescribeVolumes", b"Filter.1.Name=a", ("ec2:DescribeVolumes", 100, 20)),
        ("ec2", "DescribeVolumes", b"MaxResults=5", ("ec2:DescribeVolumes", 100, 20)),
        ("ssm", "PutParameter", b"", ("ssm:PutParameter", 3, 3)),
        ("ssm", "GetParameter", b"", ("ssm:reads", 40, 40)),
        ("ssm", "GetParametersByPath", b"", ("ssm:reads", 40, 40)),
        ("ssm", "DescribeParameters", b"", None),
        ("iam", "CreateRole", b"", None),
        ("s3", "PUT", b"", None),
    ],
)
def test_a_call_takes_from_the_bucket_that_aws_documents(service, action, body, bucket):
    assert of(service, action, body) == bucket


def test_a_stand_ins_looks_at_ec2_take_from_no_bucket_but_its_reports_do():
    assert of("ec2", "DescribeInstances", caller=STAND_IN_KEY) is None
    assert of("ssm", "PutParameter", caller=STAND_IN_KEY)


def test_a_bucket_gives_its_burst_then_its_rate_and_never_holds_more():
    now = 0.0
    buckets = Buckets(clock=lambda: now)

    def admitted() -> int:
        return sum(buckets.admits("calls", Rate(5, 2)) for _ in range(20))

    assert admitted() == 5
    now = 1.5
    assert admitted() == 3
    now = 100.0
    assert admitted() == 5
    assert buckets.refused["calls"] == 60 - 13


def test_what_comes_too_fast_is_refused_as_aws_words_it_is_counted_and_not_done(tmp_path):
    with running_cloud(tmp_path, "eu-west-1", rates=True) as cloud:
        ssm = boto3.client(
            "ssm",
            endpoint_url=cloud.endpoint,
            region_name="eu-west-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}),
        )
        with ThreadPoolExecutor(12) as pool:
            outcomes = [*pool.map(lambda number: outcome(ssm, f"/p/{number}"), range(12))]
        kept = ssm.get_parameters_by_path(Path="/p")["Parameters"]
        with urllib.request.urlopen(cloud.endpoint + RATES_PATH) as answer:
            refused = json.loads(answer.read())
    assert outcomes.count("done") >= 3
    assert outcomes.count("ThrottlingException") == refused["ssm:PutParameter"] > 0
    assert len(kept) == outcomes.count("done")


def outcome(ssm, name: str) -> str:
    try:
        ssm.put_parameter(Name=name, Value="v", Type="String")
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
