"""The role of the pipeline: what the document allows, and that it is what the commands really call."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from microcosm import ci_policy
from rehearsal.cloud import server
from rehearsal.cloud.process import Cloud
from tests.support import pulumi_cli
from tests.support.fake_aws import served_aws
from tests.support.recorder import Recorder

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = ("Pulumi.yaml", "__main__.py", "infra", "userdata", "workloads", "bom")
# What needs no permission.
FREE = {"sts:GetCallerIdentity"}
DOCUMENT = ci_policy.permissions("123456789012", "state")


def test_no_action_is_a_wildcard_and_none_stands_twice_in_a_grant() -> None:
    for statement in DOCUMENT["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        assert len(set(statement["Action"])) == len(statement["Action"])


def test_every_place_is_filled() -> None:
    assert "@" not in str(DOCUMENT)


def test_the_document_fits_into_a_managed_policy() -> None:
    """6,144 characters, white space not counted (IAM quotas); an inline policy of a role takes 10,240."""
    assert len(json.dumps(DOCUMENT, separators=(",", ":"))) <= 10_240


@pytest.mark.parametrize("sid", ["EndOwn", "ProviderEdits"])
def test_what_ends_an_object_asks_for_the_tag_of_a_preview(sid: str) -> None:
    statement = next(statement for statement in DOCUMENT["Statement"] if statement["Sid"] == sid)
    assert statement["Condition"] == {"StringLike": {"aws:ResourceTag/microcosm:stack": "pr-*"}}


def test_no_parameter_role_or_bucket_of_another_stack_is_in_reach() -> None:
    for statement in DOCUMENT["Statement"]:
        for resource in statement["Resource"]:
            if resource != "*" and not resource.startswith(("arn:aws:s3:::state", "arn:aws:ssm:*::parameter/aws/service/")):
                assert "/pr-" in resource or ":::pr-" in resource, resource


def test_roles_are_handed_to_machines_alone() -> None:
    (statement,) = [statement for statement in DOCUMENT["Statement"] if "iam:PassRole" in statement["Action"]]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def test_the_role_is_taken_by_one_environment_of_one_repository() -> None:
    (statement,) = ci_policy.trust("123456789012", "octo/microcosm")["Statement"]
    assert statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == "repo:octo/microcosm:environment:preview"


def somebody_elses(cloud: Cloud) -> None:
    """An account is not empty: what others have there is looked at, too."""
    keys = cloud.environment()
    iam = boto3.client(
        "iam",
        endpoint_url=cloud.endpoint,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    iam.create_instance_profile(InstanceProfileName="theirs")


@pytest.mark.engine
@pytest.mark.skipif(not pulumi_cli.is_there(), reason="no pulumi on PATH")
def test_the_grants_are_what_the_commands_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up (to its wait for a machine that nobody boots), list, extend and down, on the real engine: no more, no less."""
    recorders: list[Recorder] = []
    serve = server.serve

    def recorded(options: server.Options) -> object:
        running = serve(options)
        recorders.append(Recorder(running.app))
        running.app = recorders[0]
        return running

    monkeypatch.setattr(server, "serve", recorded)
    (tmp_path / "machines").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    for name in PROGRAM:
        (project / name).symlink_to(CHECKOUT / name)
    with served_aws(tmp_path / "machines") as cloud:
        somebody_elses(cloud)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PULUMI_"))} | cloud.environment() | {
            "PATH": os.pathsep.join([str(pulumi_cli.BIN), os.environ["PATH"]]), "HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT),
            "PULUMI_HOME": str(tmp_path / "home"), "PULUMI_CONFIG_PASSPHRASE": "x", "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }  # fmt: skip

        def preview(*arguments: str) -> int:
            return subprocess.run([sys.executable, "-m", "microcosm", "preview", *arguments], cwd=project, env=environment).returncode

        settings = ("--set", 'adminCidrs=["127.0.0.0/8"]', "--set", "readyTimeoutMinutes=1")
        assert preview("up", "--pr", "7", *settings) == 1, "there is no machine that could become ready"
        assert [preview("list"), preview("extend", "--pr", "7", "--by", "1h"), preview("down", "--pr", "7")] == [0, 0, 0]
    assert recorders[0].actions - FREE == ci_policy.actions((*ci_policy.CALLED, ci_policy.IMAGES, ci_policy.PASS_ROLE))
