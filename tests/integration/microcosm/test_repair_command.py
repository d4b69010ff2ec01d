"""`microcosm repair`: shown, agreed to, done; nothing without somebody to ask."""

import json

import pytest
from typer.testing import CliRunner

from microcosm import cli, options
from microcosm import repair as repair_command
from microcosm.errors import UsageError

from .conftest import TARGET, Cloud
from .fake_stacks import FakeStacks, Stack, context, lock_owner

HERE = ["repair", "--stack", "dev", "--region", "eu-west-1"]


@pytest.fixture
def stacks(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> FakeStacks:
    found = FakeStacks(stacks={"dev": Stack()})
    monkeypatch.setattr(options, "connect", lambda stack, region: (TARGET, cloud.session))
    monkeypatch.setattr(repair_command, "_context", lambda: context(found, cloud.session))
    return found


def vpcs(cloud: Cloud) -> set[str]:
    return {vpc["VpcId"] for vpc in cloud.client("ec2").describe_vpcs()["Vpcs"]}


def test_a_stray_is_shown_and_deleted(cloud: Cloud, stacks: FakeStacks) -> None:
    vpc = cloud.vpc()
    done = CliRunner().invoke(cli.app, [*HERE, "--yes", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["deleted"]) == (0, [["VPC", vpc]])
    assert vpc in done.stderr
    assert vpc not in vpcs(cloud)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["no terminal", "json"])
def test_without_somebody_to_ask_nothing_is_deleted(
    cloud: Cloud, stacks: FakeStacks, more: list[str]
) -> None:
    vpc = cloud.vpc()
    done = CliRunner().invoke(cli.app, [*HERE, *more])
    assert isinstance(done.exception, UsageError)
    assert "add --yes" in str(done.exception)
    assert vpc in vpcs(cloud)


def test_a_stack_that_needs_no_repair_is_left_as_it_is(cloud: Cloud, stacks: FakeStacks) -> None:
    done = CliRunner().invoke(cli.app, HERE)
    assert done.exit_code == 0
    assert "nothing was deleted" in done.stderr
    assert stacks.calls == []


def test_a_lock_that_may_be_held_is_not_broken(cloud: Cloud, stacks: FakeStacks) -> None:
    stacks.stacks["dev"].lock_owners.append(lock_owner("another"))
    vpc = cloud.vpc()
    assert CliRunner().invoke(cli.app, [*HERE, "--yes"]).exit_code == 1
    assert vpc in vpcs(cloud)
    assert CliRunner().invoke(cli.app, [*HERE, "--yes", "--break-lock"]).exit_code == 0
    assert ("cancel", "dev") in stacks.calls
