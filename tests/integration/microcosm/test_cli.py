"""The command line: options, exit codes, JSON, and never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from microcosm import cli, options
from microcosm.aws.session import Session
from microcosm.pulumi_cli.target import Target, resolve

from .conftest import Cloud

COMMANDS = ["timeline", "smoke", "audit", "kubeconfig", "repair"]
HERE = ["--stack", "dev", "--region", "eu-west-1"]


@pytest.fixture
def fake(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    """The commands connect to the fake account, and remember in a directory of the test."""

    def connect(stack: str | None, region: str | None) -> tuple[Target, Session]:
        return resolve(stack, region), cloud.session

    monkeypatch.setattr(options, "connect", connect)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return cloud


def run(*arguments: str) -> tuple[int, str]:
    """A command's exit code and standard output."""
    result = CliRunner().invoke(cli.app, [*arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The console script with its own handling of problems; returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["microcosm", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_and_json(command: str) -> None:
    """--help is where people learn it."""
    code, text = run(command, "--help")
    assert code == 0
    assert f"Example: microcosm {command} --stack dev" in " ".join(text.split()).replace("`", "")
    assert "--json" in text
    assert ".." not in text, "markdown has eaten a <placeholder>"


def test_audit_remembers_finds_deletes_and_gives_a_receipt(fake: Cloud) -> None:
    """The whole story of a stack in four commands, each with its exit code."""
    fake.subnet(fake.vpc())
    assert run("audit", *HERE, "--remember")[0] == 0
    code, text = run("audit", *HERE)
    assert code == 1
    assert "2 resources left, $0.00 a month" in text
    code, text = run("audit", *HERE, "--delete", "--yes", "--json")
    document = json.loads(text)
    assert code == 0
    assert (document["clean"], document["recordedIds"]) == (True, 2)
    code, text = run("audit", *HERE)
    assert code == 0
    assert text.startswith("0 resources left of stack dev in eu-west-1")


def test_deleting_needs_somebody_to_ask(
    fake: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a pipeline without --yes nothing is deleted, exit 2."""
    vpc = fake.vpc()
    assert main(monkeypatch, "audit", *HERE, "--delete", "--json") == 2
    assert capsys.readouterr().err.startswith("microcosm: --delete has nobody to ask here: add --yes")
    assert fake.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_timeline_says_failed_by_its_exit_code_and_as_json(fake: Cloud, tmp_path: Path) -> None:
    """A failed machine is exit 1; the page is written all the same."""
    instance = fake.machine("linux-0")
    said = {
        "instance": instance,
        "node": "linux-0",
        "phase": "download",
        "result": "failed",
        "detail": "no",
        "phases": {},
    }
    fake.parameter("status/linux-0", json.dumps(said))
    page = tmp_path / "page.html"
    code, text = run("timeline", *HERE, "--json", "--wait", "--html", str(page))
    assert code == 1
    assert json.loads(text)["stuck"][0]["detail"] == "no"
    assert page.read_text().startswith("<!doctype html>")


def test_timeline_of_nothing_is_told_as_such(
    fake: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Most often it is the wrong region or account."""
    assert main(monkeypatch, "timeline", *HERE) == 1
    assert (
        "no machines in eu-west-1: is it up, and is this the right region and account?"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kubeconfig", *HERE, "--merge", "--remove"], "--merge and --remove exclude each other"),
        (["kubeconfig", *HERE, "--use"], "--use goes with --merge only"),
        (["audit", *HERE, "--remember", "--delete"], "--remember and --delete contradict each other"),
        (["audit", *HERE, "--record", "/dev/null"], "is not a record of a stack"),
        (["audit", *HERE, "--state", "/nowhere/state.json"], "is not a Pulumi state"),
        (["timeline", *HERE, "--events", "/dev/null/x"], "does not contain Pulumi's engine events"),
        (["timeline", "--stack", "../x"], "give the bare name of a stack"),
        (["smoke", *HERE, "--kubeconfig", "/nowhere"], "--kubeconfig /nowhere cannot be read"),
    ],
)
def test_misuse_is_one_sentence_and_exit_2(
    fake: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    """Nothing is started with what cannot work."""
    assert main(monkeypatch, *arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("microcosm: ")
    assert words in told
    assert told.count("\n") == 1


def test_a_defect_is_told_as_one_and_shown_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback reaches a user who did not ask for it."""

    def broken(stack: str | None, region: str | None) -> None:
        raise ZeroDivisionError("x")

    monkeypatch.setattr(options, "connect", broken)
    assert main(monkeypatch, "timeline", *HERE) == 1
    assert "this is a defect of microcosm (ZeroDivisionError: x)" in capsys.readouterr().err
    monkeypatch.setenv("MICROCOSM_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["microcosm", "timeline", *HERE])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_an_unknown_option_is_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line library's own errors have the same exit code."""
    assert main(monkeypatch, "audit", "--nonsense") == 2


def test_help_does_not_wait_for_libraries_it_does_not_need() -> None:
    """Neither Pulumi nor the Kubernetes client is imported by the command line itself."""
    script = "import sys, microcosm.cli; print(sorted({'pulumi', 'kubernetes', 'moto'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
