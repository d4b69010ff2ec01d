"""`microcosm preview`: options, exit codes, JSON and one sentence for what cannot be."""

import json
import subprocess
from pathlib import Path

import pytest

from microcosm.preview import command as preview_cli
from microcosm.preview import open_prs
from microcosm.preview.stack import StackLocked

from .conftest import Cloud
from .fake_stacks import FakeStacks, Stack, context, lock_owner
from .test_cli import main, run
from .test_preview_up import tags

COMMANDS = {"up": "--pr 123", "list": "", "extend": "--pr 123", "down": "--pr 123", "reap": "--github"}
CI_POLICY = ["ci-policy", "--account", "123456789012", "--state-bucket", "states", "--repo", "o/n"]


@pytest.fixture
def stacks(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeStacks:
    """The commands get a fake stack manager, at noon."""
    fake = FakeStacks(stacks={"pr-7": Stack(tags=tags())})
    monkeypatch.setattr(preview_cli, "_context", lambda now: context(fake, cloud.session))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return fake


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_and_json(command: str) -> None:
    """--help is where people learn it."""
    code, text = run("preview", command, "--help")
    assert code == 0
    assert f"Example: microcosm preview {command} {COMMANDS[command]}".strip() in " ".join(
        text.split()
    ).replace("`", "")
    assert "--json" in text
    assert "--now" not in text, "the clock is the rehearsal's business"


def test_a_preview_that_is_up_says_what_it_costs_and_when_it_dies(stacks: FakeStacks) -> None:
    code, text = run("preview", "up", "--pr", "7")
    assert code == 0
    assert "http://198.51.100.7:30080" in text
    assert "microcosm kubeconfig --stack pr-7 --region eu-west-1 --merge --use" in text
    assert "$0.00 an hour, $0.00 until its end" in text
    assert "2026-11-25T18:00:00Z, in 6h 00m" in text


def test_everything_has_a_json_document(stacks: FakeStacks) -> None:
    """Each command prints one, and nothing else, on standard output."""
    documents = {
        command: json.loads(run("preview", command, *arguments, "--json")[1])
        for command, arguments in (
            ("up", ["--pr", "7"]),
            ("list", []),
            ("extend", ["--pr", "7", "--by", "1h"]),
            ("reap", []),
            ("down", ["--pr", "7"]),
        )
    }
    assert documents["up"]["expires"] == "2026-11-25T18:00:00Z"
    assert documents["up"]["machinesEnd"] == "2026-11-25T19:00:00Z"
    assert [(row["stack"], row["owner"], row["health"]) for row in documents["list"]] == [
        ("pr-7", "bob", "no machines")
    ]
    assert documents["extend"] == {"stack": "pr-7", "expires": "2026-11-25T19:00:00Z"}
    assert documents["reap"] == []
    assert documents["down"] == {"stack": "pr-7", "region": "eu-west-1", "left": 0}


def test_the_list_is_a_table(stacks: FakeStacks, cloud: Cloud) -> None:
    stacks.stacks["pr-8"] = Stack(tags=tags("2026-11-25T11:30:00Z"))
    stacks.stacks["pr-9"] = Stack()
    _, text = run("preview", "list")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[1] == "pr-7 bob eu-west-1 2h 00m in 6h 00m no machines $0.00 $0.00"
    assert lines[2].startswith("pr-8 bob eu-west-1 2h 00m 30m 00s ago expired")
    assert lines[3].startswith("pr-9 unknown unknown unknown never: `up` was interrupted not started")


@pytest.mark.parametrize(("closed", "code"), [(False, 0), (True, 1)])
def test_a_reaper_that_could_not_says_so_by_its_exit_code(
    stacks: FakeStacks, tmp_path: Path, closed: bool, code: int
) -> None:
    def refuse(stack: str) -> None:
        raise StackLocked(stack, []) if not closed else ValueError("no")

    stacks.on_destroy = refuse
    still_open = tmp_path / "open.json"
    still_open.write_text("[]")
    assert run("preview", "reap", "--open-prs", str(still_open))[0] == code


def test_down_of_what_may_not_exist(stacks: FakeStacks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a pull request that never had a preview is no failure of the workflow."""
    assert run("preview", "down", "--pr", "9", "--if-exists")[0] == 0
    assert main(monkeypatch, "preview", "down", "--pr", "9") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["up", "--pr", "x"], 2, "accepted is the number of a pull request"),
        (["up", "--pr", "7", "--ttl", "9d"], 2, "accepted is 30m to 72h"),
        (["up", "--pr", "7", "--set", "nope=1"], 2, "nope is not a known key"),
        (["extend", "--pr", "8", "--by", "1h"], 2, "there is no preview pr-8"),
        (["reap", "--open-prs", "/nowhere"], 2, "cannot be read"),
        (["reap", "--open-prs", "/dev/null"], 2, "does not list the open pull requests"),
        (["reap", "--open-prs", "x", "--github"], 2, "exclude each other"),
        (
            ["ci-policy", "--account", "1", "--state-bucket", "s", "--repo", "o/n"],
            2,
            "--account is '1': accepted is 12 digits",
        ),
        (
            [*CI_POLICY, "--owner-id", "octo", "--repo-id", "2"],
            2,
            "--owner-id is 'octo': accepted is a number",
        ),
        (CI_POLICY, 2, "give --owner-id and --repo-id"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    stacks: FakeStacks,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    assert main(monkeypatch, "preview", *arguments) == code
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert stacks.calls == []


def test_a_locked_stack_is_exit_1_with_its_holder(
    stacks: FakeStacks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks.stacks["pr-7"].lock_owners.append(lock_owner())
    assert main(monkeypatch, "preview", "down", "--pr", "7") == 1
    assert "ci@runner-7 (process 4711)" in capsys.readouterr().err


def test_outside_a_checkout_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(monkeypatch, "preview", "list") == 2
    assert "there is no Pulumi.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "out", "words"),
    [(1, "", "gh could not list the open pull requests"), (0, "", "gh does not list the open pull requests")],
)
def test_a_gh_that_fails_reaps_nothing(
    stacks: FakeStacks,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
    out: str,
    words: str,
) -> None:
    """Its silence is not an empty list."""
    monkeypatch.setattr(open_prs.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(
        open_prs.subprocess,
        "run",
        lambda *_, **__: subprocess.CompletedProcess([], code, out, "not logged in"),
    )
    assert main(monkeypatch, "preview", "reap", "--github") in (1, 2)
    assert words in capsys.readouterr().err
    assert stacks.calls == []
