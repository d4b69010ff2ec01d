"""The conditions of the pipeline's policy, each tried on a fake cloud that enforces it."""

import functools
from dataclasses import replace

import boto3
import pytest

from rehearsal.fake_aws.settings import ACCOUNT
from rehearsal.scenarios.permissions import attempts, conditions
from rehearsal.scenarios.permissions.conditions import Intruder
from rehearsal.scenarios.permissions.scene import TRUST
from tests.support.fake_aws import REGION, served_aws

ROLE = "preview-pipeline"


class Clients(dict):
    """boto3 clients of one session, each made when first asked for."""

    def __init__(self, session, endpoint) -> None:
        self._client = functools.partial(session.client, endpoint_url=endpoint)

    def __missing__(self, service):
        self[service] = self._client(service)
        return self[service]


@pytest.fixture(scope="module")
def intruder(tmp_path_factory):
    with served_aws(tmp_path_factory.mktemp("state") / "machines") as cloud:
        keys = cloud.environment()
        operator = Clients(
            boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION),
            cloud.endpoint,
        )
        operator["iam"].create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
        taken = operator["sts"].assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", RoleSessionName="run"
        )["Credentials"]
        own = boto3.Session(
            taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region_name=REGION
        )
        yield Intruder(ROLE, operator, Clients(own, cloud.endpoint))


@pytest.fixture(scope="module")
def stage(intruder):
    return intruder.stage()


def test_each_condition_keeps_out_what_nothing_else_would(intruder, stage):
    assert [*intruder.problems(stage)] == []


def test_a_condition_that_nothing_tries_is_a_problem(intruder, stage, monkeypatch):
    rows = attempts.attempts(stage)
    del rows["MakeVpc", "ec2:CreateVpc", "StringLike"]
    monkeypatch.setattr(conditions, "attempts", lambda stage: rows)
    assert "StringLike of MakeVpc: no attempt at ec2:CreateVpc" in [*intruder.problems(stage)]


def test_a_grant_that_lost_its_condition_is_found(intruder, stage, monkeypatch):
    """As `Build` was, which let whoever had the role cut the routes of every network of the account."""
    bare = [
        replace(grant, condition=None) if grant.sid == "ChangeOwn" else grant
        for grant in conditions.all_grants()
    ]
    monkeypatch.setattr(conditions, "conditions", lambda _: [conditions.Condition("ChangeOwn", "StringLike")])
    monkeypatch.setattr(conditions, "all_grants", lambda: bare)
    assert {problem.split(": ")[1] for problem in intruder.problems(stage)} >= {
        "delete_route is let in in spite of it"
    }
