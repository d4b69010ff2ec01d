"""Each command uses the account that Pulumi uses for the stack, or refuses; the test records its credentials."""

import re
from pathlib import Path

import boto3
import botocore.httpsession
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from infra import account
from infra.cloud import AmazonCloud
from infra.errors import ConfigError
from microcosm import cli, repair_command, stack_locks
from tests.support.engine import deploy
from tests.support.stacks import raw

WORK, AMBIENT = "AKIAWORKWORKWORKWORK", "AKIAAMBIENTAMBIENTAM"
COMMANDS = ("audit", "doctor", "timeline", "kubeconfig", "smoke", "shell control-plane", "rdp windows-0", "logs linux-0", "repair --yes")
REFUSED = {
    "aws:assumeRoleWithWebIdentity": {"roleArn": "arn:aws:iam::222222222222:role/web"},
    "aws:sharedConfigFiles": ["/etc/aws/config"],
    "aws:secretKey": {"secure": "AAABAH"},
    "aws:assumeRoles": [{"arn": "arn:aws:iam::222222222222:role/x"}],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[str]:
    """The access keys that calls were signed with; none of them is answered."""
    keys: set[str] = set()

    def send(_: object, request) -> None:
        keys.update(re.findall(r"Credential=(\w+)/", str(request.headers.get("Authorization", ""))))
        raise EndpointConnectionError(endpoint_url=request.url)

    (tmp_path / "credentials").write_text(f"[work]\naws_access_key_id = {WORK}\naws_secret_access_key = s\n")
    for name, value in {"AWS_ACCESS_KEY_ID": AMBIENT, "AWS_SECRET_ACCESS_KEY": "s", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "PULUMI_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)
    monkeypatch.setattr(repair_command, "_context", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\n")
    return keys


def call(monkeypatch: pytest.MonkeyPatch, command: str, more: str) -> int:
    Path("Pulumi.dev.yaml").write_text(f"config:\n  aws:region: eu-west-1\n  microcosm:adminCidrs: [203.0.113.7/32]\n{more}")
    monkeypatch.setattr("sys.argv", ["microcosm", *command.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_the_account_of_the_stacks_profile(monkeypatch, asked, command):
    assert call(monkeypatch, command, "  aws:profile: work\n") == 1
    assert asked == {WORK}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_settings_asks_the_account_of_the_environment(monkeypatch, asked, command):
    assert call(monkeypatch, command, "") == 1
    assert asked == {AMBIENT}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("key", REFUSED)
def test_a_command_refuses_to_judge_an_account_that_it_cannot_reach(monkeypatch, asked, capsys, command, key):
    assert call(monkeypatch, command, f"  {key}: {REFUSED[key]}\n") == 2
    assert asked == set()
    assert f"Pulumi.dev.yaml: {key} " in capsys.readouterr().err


def test_locks_are_read_with_the_profile_of_the_backend(asked):
    with pytest.raises(EndpointConnectionError):
        stack_locks.read_lock_owners("s3://states?region=eu-west-1&profile=work", "microcosm", "dev")
    assert asked == {WORK}


def test_roles_are_assumed_one_after_the_other(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    roles = [{"roleArn": f"arn:aws:iam::{number * 12}:role/hop", "externalId": "xyz", "sessionName": "me", "tags": {"a": "b"}} for number in "23"]
    with mock_aws():
        identity = account.session({"assumeRoles": roles}, "eu-west-1").client("sts").get_caller_identity()
        assert boto3.client("sts", region_name="eu-west-1").get_caller_identity()["Account"] == "123456789012"
    assert identity["Arn"] == "arn:aws:sts::333333333333:assumed-role/hop/me"


def test_the_wait_for_machines_asks_the_account_of_the_stacks_keys(asked):
    cloud = AmazonCloud("eu-west-1", {"accessKey": WORK, "secretKey": "s"})
    with pytest.raises(EndpointConnectionError):
        cloud.parameter("/microcosm/dev/kubeconfig")
    assert asked == {WORK}


def test_the_program_reads_the_settings_that_pulumi_decrypts(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "infra.cluster.Cluster.__init__", lambda self, config: seen.append(account.of_program()) or (_ for _ in ()).throw(ConfigError([]))
    )
    with pytest.raises(ConfigError):
        deploy(config=raw({}) | {"aws:profile": "work", "aws:assumeRoles": '[{"roleArn": "arn:x"}]'})
    assert seen == [{"profile": "work", "assumeRoles": [{"roleArn": "arn:x"}]}]


def test_the_program_refuses_what_its_wait_could_not_follow_before_anything_is_declared():
    with pytest.raises(ConfigError, match="aws:sharedConfigFiles is set: microcosm cannot look into the account") as caught:
        deploy(config=raw({}) | {"aws:sharedConfigFiles": '["/etc/aws"]'})
    assert "nothing was declared" in str(caught.value)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_the_program_refuses_a_region_of_another_partition_before_anything_is_declared(region):
    with pytest.raises(ConfigError, match=f"the region is '{region}': accepted is a region of the partition aws"):
        deploy(config=raw({}) | {"aws:region": region})
