"""Test that the state holds no secret that machines publish, with the real engine and after every operation.

The provider is the rehearsal's stand-in, which treats write-only inputs as the official one does (its source
is named there).
"""

import json

import boto3
import pytest

from infra.join_parameters import DOCUMENTS
from rehearsal.fake_aws.process import running_cloud
from tests.support.engine import PROJECT
from tests.support.pulumi_cli import Stack, is_there, project

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_there(), reason="pulumi is not on PATH: put the rehearsal's tools there"),
]
SECRET = "abcdef.0123456789abcdef"
PROGRAM = """
import sys
sys.path.insert(0, {project!r})
import pulumi
from infra import join_parameters
from infra.config import naming

names = naming.Names(stack="dev", owner=pulumi.Config().get("owner") or "")
args = join_parameters.RendezvousArgs(names=names, node_names=("linux-0",))
join_parameters.Rendezvous("dev-rendezvous", args)
"""


@pytest.fixture
def cloud(tmp_path):
    with running_cloud(tmp_path / "cloud", "eu-west-1") as cloud:
        yield cloud


@pytest.fixture
def ssm(cloud):
    keys = cloud.environment()
    session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-1")
    return session.client("ssm", endpoint_url=cloud.endpoint)


def stack_of(tmp_path, cloud, program: str) -> Stack:
    stack = Stack(project(tmp_path / "microcosm", program.replace("{project!r}", repr(str(PROJECT)))), cloud)
    stack.run("config", "set", "aws:region", "eu-west-1")
    return stack


def publish(ssm) -> None:
    """Publish the documents as the control plane does."""
    for document in DOCUMENTS:
        value = json.dumps({"instance": "i-1", "secret": SECRET})
        ssm.put_parameter(Name=f"/microcosm/dev/{document}", Value=value, Type="SecureString", Overwrite=True)


def published(ssm) -> set[str]:
    return {
        ssm.get_parameter(Name=f"/microcosm/dev/{document}", WithDecryption=True)["Parameter"]["Value"]
        for document in DOCUMENTS
    }


def test_no_operation_brings_a_published_secret_into_the_state(tmp_path, cloud, ssm):
    stack = stack_of(tmp_path, cloud, PROGRAM)
    assert stack.change("up")["created"] == 6
    publish(ssm)
    after: dict[str, dict[str, int]] = {}
    for operation in ("refresh", "up"):
        after[operation] = stack.change(operation)
        assert SECRET not in stack.run("stack", "export", "--show-secrets"), (
            f"after {operation} the passphrase alone reveals the secret"
        )
    assert after == {"refresh": {"unchanged": 6}, "up": {"unchanged": 6}}
    stack.run("config", "set", "owner", "me")
    assert stack.change("up") == {"updated": 4, "unchanged": 2}, (
        "another tag on each parameter, and nothing of its value"
    )
    assert stack.change("up", "--refresh") == {"unchanged": 6}
    assert SECRET not in stack.run("stack", "export", "--show-secrets")
    assert {json.loads(value)["secret"] for value in published(ssm)} == {SECRET}
    assert stack.change("destroy") == {"deleted": 6}
