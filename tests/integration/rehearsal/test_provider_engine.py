"""The stand-in provider under the real engine: one resource of every type, from preview to an empty
account.
"""

import shutil
from pathlib import Path

import boto3
import pytest

from rehearsal.fake_aws import inventory
from rehearsal.fake_aws.process import running_cloud
from tests.support.fake_aws import PUBLIC_KEY
from tests.support.provider_plugin import names
from tests.support.pulumi_cli import Stack, is_there

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_there(), reason="pulumi is not on PATH: put the rehearsal's tools there"),
]
PROGRAM = Path(__file__).parent / "programs" / "everything"


@pytest.fixture
def cloud(tmp_path):
    with running_cloud(tmp_path / "cloud", "eu-west-1") as cloud:
        yield cloud


@pytest.fixture
def session(cloud) -> boto3.Session:
    keys = cloud.environment()
    return boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-1")


@pytest.fixture
def stack(tmp_path, cloud) -> Stack:
    shutil.copytree(PROGRAM, tmp_path / "project")
    stack = Stack(tmp_path / "project", cloud)
    stack.run("config", "set", "aws:region", "eu-west-1")
    stack.run("config", "set", "publicKey", PUBLIC_KEY)
    return stack


def test_everything_lives_changes_drifts_and_goes_away(stack, session, cloud):
    def client(service: str):
        return session.client(service, endpoint_url=cloud.endpoint)

    before = inventory.list_everything(session, cloud.endpoint)
    assert stack.change("preview") == {"to create": 43}
    assert stack.change("up") == {"created": 43}
    assert {
        line.split()[-1] for line in stack.run("stack", "export").splitlines() if '"type": "aws:' in line
    } == {f'"{type_}",' for type_ in names() if not type_.split(":")[-1].startswith("get")}
    assert stack.change("up") == {"unchanged": 43}, "an up right after an up changed something"
    assert stack.change("refresh") == {"unchanged": 43}, "a refresh right after an up saw drift"
    assert "pending" not in stack.run("stack", "export"), (
        "the value of a SecureString is in the state in the clear"
    )

    stack.run("config", "set", "revision", "2")
    assert stack.change("up") == {"updated": 37, "replaced": 1, "unchanged": 5}
    assert stack.change("refresh") == {"unchanged": 43}, "an update recorded something else than it did"

    client("ssm").put_parameter(
        Name="/microcosm/dev/join", Value='{"instance": "i-1"}', Type="SecureString", Overwrite=True
    )
    client("ssm").delete_parameter(Name="/microcosm/dev/text")
    machine = stack.run("stack", "output", "headId").strip()
    client("ec2").create_tags(Resources=[machine], Tags=[{"Key": "stray", "Value": "yes"}])
    assert stack.change("refresh") == {"updated": 1, "deleted": 1, "unchanged": 41}, (
        "a tag and a parameter drifted; a document did not"
    )
    assert stack.change("up") == {"created": 1, "updated": 1, "unchanged": 41}

    stack.run("config", "set", "workers", "5")
    assert stack.change("up") == {"created": 1, "unchanged": 43}
    assert stack.change("destroy") == {"deleted": 44}
    assert not inventory.difference(before, inventory.list_everything(session, cloud.endpoint))
