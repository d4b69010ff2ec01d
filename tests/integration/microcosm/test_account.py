"""Each command uses the account that Pulumi uses for the stack, or refuses; the test records its
credentials.
"""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.httpsession
import pytest
import typer
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from infra.config import account
from infra.config.naming import EXPIRES_TAG
from infra.errors import ConfigError
from infra.readiness_aws import AmazonCloud
from microcosm import cli
from microcosm import repair as repair_command
from microcosm.preview import command as preview_cli
from microcosm.preview import progress
from microcosm.preview.context import default_context
from microcosm.preview.model import CREATED_TAG, REGION_TAG
from microcosm.pulumi_cli import locks as stack_locks
from tests.support.engine import deploy
from tests.support.stacks import raw

from .fake_stacks import FakeStacks, Stack

WORK, AMBIENT = "AKIAWORKWORKWORKWORK", "AKIAAMBIENTAMBIENTAM"
# By command, how it is called here: those that look into the account of a stack, those of previews, and those
# that ask no account.
FOLLOW = {
    **{name: f"{name} --stack dev" for name in ("audit", "doctor", "timeline", "kubeconfig", "smoke")},
    "shell": "shell control-plane --stack dev",
    "rdp": "rdp windows-0 --stack dev",
    "logs": "logs linux-0 --stack dev",
    "repair": "repair --yes --stack dev",
}
PREVIEWS = {
    "preview up": "preview up --pr 7 --reap-myself --set adminCidrs='[\"203.0.113.7/32\"]'",
    "preview list": "preview list",
    "preview extend": "preview extend --pr 7 --by 1h",
    "preview down": "preview down --pr 7",
    "preview reap": "preview reap --now 2999-01-01T00:00:00Z",
}
ELSEWHERE = {
    "lint": "lint no-such-file.yaml",
    **{f"image {name}": f"image {name} no-such-folder" for name in ("build", "check", "manifest")},
    "preview ci-policy": "preview ci-policy --account 123456789012 --state-bucket state --repo a/b "
    "--subject-by-name",
}
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
    for name, value in {
        "AWS_ACCESS_KEY_ID": AMBIENT,
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "PULUMI_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)
    monkeypatch.setattr(repair_command, "_context", lambda: None)
    living = {
        CREATED_TAG: "2026-11-25T11:00:00Z",
        REGION_TAG: "eu-west-1",
        EXPIRES_TAG: "2998-01-01T00:00:00Z",
    }
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=living)})
    moment = datetime(2997, 12, 31, tzinfo=UTC)
    monkeypatch.setattr(
        preview_cli,
        "_context",
        lambda now: default_context(stacks, datetime.fromisoformat(now) if now else moment, progress.watch),
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\n")
    return keys


def call(monkeypatch: pytest.MonkeyPatch, command: str, more: str) -> int:
    for stack in ("dev", "pr-7"):
        Path(f"Pulumi.{stack}.yaml").write_text(
            f"config:\n  aws:region: eu-west-1\n  microcosm:adminCidrs: [203.0.113.7/32]\n{more}"
        )
    monkeypatch.setattr("sys.argv", ["microcosm", *shlex.split(command)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def commands_of(app: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands that the command line itself knows, with their groups."""
    for name, command in app.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, (*path, name))
        else:
            yield " ".join((*path, name))


def test_every_command_has_a_row():
    """A command that is added tomorrow has to say tomorrow which account it looks into."""
    assert {*commands_of(typer.main.get_command(cli.app))} == {*FOLLOW, *PREVIEWS, *ELSEWHERE}


@pytest.mark.parametrize("command", FOLLOW.values(), ids=FOLLOW)
def test_a_command_asks_the_account_of_the_stacks_profile(monkeypatch, asked, command):
    assert call(monkeypatch, command, "  aws:profile: work\n") == 1
    assert asked == {WORK}


@pytest.mark.parametrize("command", [*FOLLOW.values(), *PREVIEWS.values()], ids=[*FOLLOW, *PREVIEWS])
def test_a_command_without_settings_asks_the_account_of_the_environment(monkeypatch, asked, command):
    assert call(monkeypatch, command, "") == 1
    assert asked == {AMBIENT}


@pytest.mark.parametrize("command", FOLLOW.values(), ids=FOLLOW)
@pytest.mark.parametrize("key", REFUSED)
def test_a_command_refuses_to_judge_an_account_that_it_cannot_reach(monkeypatch, asked, capsys, command, key):
    assert call(monkeypatch, command, f"  {key}: {REFUSED[key]}\n") == 2
    assert asked == set()
    assert f"Pulumi.dev.yaml: {key} " in capsys.readouterr().err


@pytest.mark.parametrize("command", PREVIEWS.values(), ids=PREVIEWS)
@pytest.mark.parametrize("key", ["aws:profile", *REFUSED])
def test_a_command_of_previews_refuses_an_account_of_the_previews_file(
    monkeypatch, asked, capsys, command, key
):
    """Pulumi would destroy in one account, and the audit look into another and print its receipt."""
    assert call(monkeypatch, command, f"  {key}: {REFUSED.get(key, 'work')}\n") == (
        1 if command.startswith("preview reap") else 2
    )
    assert asked == set()
    told = capsys.readouterr()
    assert re.search(rf"Pulumi.pr-7.yaml(:| sets) {key}", told.err + told.out)


@pytest.mark.parametrize("command", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_command_without_a_stack_asks_no_account(monkeypatch, asked, command):
    call(monkeypatch, command, "  aws:profile: work\n")
    assert asked == set()


def test_locks_are_read_with_the_profile_of_the_backend(asked):
    with pytest.raises(EndpointConnectionError):
        stack_locks.read_lock_owners("s3://states?region=eu-west-1&profile=work", "microcosm", "dev")
    assert asked == {WORK}


def test_roles_are_assumed_one_after_the_other(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    roles = [
        {
            "roleArn": f"arn:aws:iam::{number * 12}:role/hop",
            "externalId": "xyz",
            "sessionName": "me",
            "tags": {"a": "b"},
        }
        for number in "23"
    ]
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
        "infra.cluster.Cluster.__init__",
        lambda self, config: seen.append(account.of_program()) or (_ for _ in ()).throw(ConfigError([])),
    )
    with pytest.raises(ConfigError):
        deploy(config=raw({}) | {"aws:profile": "work", "aws:assumeRoles": '[{"roleArn": "arn:x"}]'})
    assert seen == [{"profile": "work", "assumeRoles": [{"roleArn": "arn:x"}]}]


def test_the_program_refuses_what_its_wait_could_not_follow_before_anything_is_declared():
    with pytest.raises(
        ConfigError, match="aws:sharedConfigFiles is set: microcosm cannot look into the account"
    ) as caught:
        deploy(config=raw({}) | {"aws:sharedConfigFiles": '["/etc/aws"]'})
    assert "nothing was declared" in str(caught.value)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_the_program_refuses_a_region_of_another_partition_before_anything_is_declared(region):
    with pytest.raises(
        ConfigError, match=f"the region is '{region}': accepted is a region of the partition aws"
    ):
        deploy(config=raw({}) | {"aws:region": region})
