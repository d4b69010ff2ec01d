"""The boundary to Pulumi: the commands it runs and the translation of its answers. The CLI is a stand-in."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from pulumi import automation

from microcosm.errors import OperatorError, UsageError
from microcosm.preview.stack import Event, Pending, StackGone, StackLocked
from microcosm.pulumi_cli import locks as stack_locks
from microcosm.pulumi_cli.stacks import PulumiStacks, without_traceback

# Answers by the first words of a command; writes down what it was asked, and the events that a test wants
# told.
PULUMI = """#!{python}
import json, os, sys
from pathlib import Path
folder = Path({folder!r})
arguments = [word for word in sys.argv[1:] if word != "--non-interactive"]
with (folder / "asked").open("a") as asked:
    asked.write(json.dumps(arguments) + "\\n")
with (folder / "unreachable").open("a") as unreachable:
    unreachable.write(arguments[0] + " " + os.environ.get("PULUMI_K8S_DELETE_UNREACHABLE", "kept") + "\\n")
answers = json.loads((folder / "answers").read_text())
line = " ".join(arguments)
code, out, error = next((answer for words, answer in answers.items() if line.startswith(words)), (0, "", ""))
if "--event-log" in arguments:
    place = arguments[arguments.index("--event-log") + 1]
    if not place.startswith("tcp://"):
        Path(place).write_text((folder / "events").read_text() if (folder / "events").exists() else "")
sys.stdout.write(out)
sys.stderr.write(error)
sys.exit(code)
"""
LOCKED = (
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or "
    "delete the lock file with `pulumi cancel`.\n"
    "  s3://state/.pulumi/locks/organization/microcosm/pr-7/x.json: created by ci@runner-7 (pid 4711) at "
    "2026-11-25T11:00:00Z\n"
)
SUMMARY = [
    {
        "kind": "update",
        "startTime": "2026-11-25T11:00:00.000Z",
        "message": "",
        "environment": {},
        "config": {},
        "result": "succeeded",
    }
]


class Cli:
    """The stand-in, and a project for it."""

    def __init__(self, folder: Path) -> None:
        import sys

        self.folder, self.project = folder, folder / "project"
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: microcosm\nruntime: python\n")
        program = folder / "bin" / "pulumi"
        program.parent.mkdir()
        program.write_text(PULUMI.format(python=sys.executable, folder=str(folder)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.answers: dict[str, tuple[int, str, str]] = {
            "version": (0, "v3.260.0", ""),
            "whoami": (0, json.dumps({"user": "ci", "url": "s3://state"}), ""),
            "stack history": (0, json.dumps(SUMMARY), ""),
        }

    def stacks(self, **answers: tuple[int, str, str]) -> PulumiStacks:
        """Answers by command, with _ for a blank."""
        self.answers |= {words.replace("_", " "): answer for words, answer in answers.items()}
        (self.folder / "answers").write_text(json.dumps(self.answers))
        return PulumiStacks(
            self.project, automation.PulumiCommand(root=str(self.folder), skip_version_check=True)
        )

    @property
    def asked(self) -> list[list[str]]:
        lines = (self.folder / "asked").read_text().splitlines()
        return [words for words in map(json.loads, lines) if words[0] not in ("version", "whoami")]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def state(**deployment: Any) -> tuple[int, str, str]:
    return 0, json.dumps({"version": 3, "deployment": deployment}), ""


def test_the_backend_is_what_pulumi_says(cli: Cli) -> None:
    assert cli.stacks().backend == "s3://state"


def test_tags_are_written_one_by_one_in_order(cli: Cli) -> None:
    """The first is the end."""
    cli.stacks().set_tags("pr-7", {"microcosm:expires-at": "x", "microcosm:region": "y"})
    assert cli.asked == [
        ["stack", "tag", "set", key, value, "--stack", "pr-7"]
        for key, value in (("microcosm:expires-at", "x"), ("microcosm:region", "y"))
    ]


def test_a_configuration_keeps_its_types_and_the_salt_of_the_secrets(cli: Cli) -> None:
    """The schema in Pulumi.yaml wants lists to be lists; without the salt the state's secrets are lost."""
    path = cli.project / "Pulumi.pr-7.yaml"
    path.write_text("encryptionsalt: v1:abc\nconfig:\n  microcosm:old: 1\n")
    stacks = cli.stacks()
    assert stacks.configuration("pr-7") == {"microcosm:old": 1}
    stacks.configure("pr-7", {"microcosm:adminCidrs": ["10.0.0.0/8"], "microcosm:workloads": False})
    assert yaml.safe_load(path.read_text()) == {
        "encryptionsalt": "v1:abc",
        "config": {"microcosm:adminCidrs": ["10.0.0.0/8"], "microcosm:workloads": False},
    }


def test_a_lost_configuration_is_that_of_the_last_update_or_none(cli: Cli) -> None:
    stacks = cli.stacks(config_refresh=(1, "", "error: no previous deployment\n"))
    assert stacks.configuration("pr-7") == {}
    assert cli.asked == [["config", "refresh", "--force", "--stack", "pr-7"]]


def test_half_done_operations_are_read_and_forgotten_by_an_import(cli: Cli) -> None:
    operation = {"resource": {"urn": "urn:x", "type": "t"}, "type": "creating"}
    stacks = cli.stacks(stack_export=state(resources=[{"urn": "u"}], pending_operations=[operation]))
    assert stacks.pending("pr-7") == [Pending(urn="urn:x", operation="creating")]
    assert stacks.resources("pr-7") == [{"urn": "u"}]
    stacks.forget_pending("pr-7")
    assert cli.asked[-1][:2] == ["stack", "import"]
    assert cli.asked[-1][-2:] == ["--stack", "pr-7"]


@pytest.mark.parametrize("deployment", [{}, {"resources": None}])
def test_an_empty_state_has_neither_resources_nor_operations(cli: Cli, deployment: dict[str, Any]) -> None:
    stacks = cli.stacks(stack_export=state(**deployment))
    assert (stacks.resources("pr-7"), stacks.pending("pr-7")) == ([], [])


def test_a_destroy_refreshes_nothing_and_keeps_the_stack(cli: Cli) -> None:
    """It is forgotten only when nothing is left, and needs no living cluster."""
    cli.stacks().destroy("pr-7", lambda event: None)
    (words,) = [words for words in cli.asked if words[0] == "destroy"]
    assert not {"--refresh", "--remove"} & set(words)
    assert ["stack", "rm"] not in [words[:2] for words in cli.asked]


def test_objects_that_cannot_be_reached_count_as_deleted_only_where_their_cluster_ends(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner whose address is not admitted yet would otherwise find a living cluster empty."""
    monkeypatch.delenv("PULUMI_K8S_DELETE_UNREACHABLE", raising=False)
    stacks = cli.stacks(stack_output=(0, "{}", ""))
    stacks.refresh("pr-7")
    stacks.up("pr-7", lambda event: None)
    stacks.refresh("pr-7", cluster_gone=True)
    stacks.destroy("pr-7", lambda event: None)
    told = [
        line
        for line in (cli.folder / "unreachable").read_text().splitlines()
        if line.startswith(("refresh", "up", "destroy"))
    ]
    assert told == ["refresh kept", "up kept", "refresh true", "destroy true"]


def test_a_locked_stack_says_who_has_it(cli: Cli) -> None:
    with pytest.raises(
        StackLocked, match=r"ci@runner-7 \(process 4711\) since 2026-11-25 11:00:00 UTC"
    ) as raised:
        cli.stacks(destroy=(255, "", LOCKED)).destroy("pr-7", lambda event: None)
    assert raised.value.lock_owners[0].pid == 4711


@pytest.mark.parametrize("command", ["up", "destroy", "refresh"])
def test_a_lock_that_cannot_be_deleted_fails_a_run_that_ended_well(cli: Cli, command: str) -> None:
    """The next run, on another machine, would wait for a process that has long ended."""
    kept = (
        "error: there was a problem deleting the lock at s3://state/x.json, manual clean up may be "
        "required: AccessDenied: s3:DeleteObject\n"
    )
    stacks = cli.stacks(**{command: (0, "", kept), "stack_output": (0, "{}", "")})
    with pytest.raises(
        OperatorError,
        match=r"pr-7: the operation succeeded, but .*\(AccessDenied: s3:DeleteObject\): allow that",
    ):
        stacks.refresh("pr-7") if command == "refresh" else getattr(stacks, command)("pr-7", lambda _: None)


@pytest.mark.parametrize(
    "error",
    ["error: no stack named 'pr-7' found\n", "error: no stack named 'organization/microcosm/pr-7' found\n"],
)
def test_a_stack_that_is_not_there_is_told_as_such(cli: Cli, error: str) -> None:
    with pytest.raises(StackGone):
        cli.stacks(stack_tag=(255, "", error)).tags("pr-7")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions\n",
            "no backend is chosen: set PULUMI_BACKEND_URL",
        ),
        (
            "error: operation error S3: GetObject, get identity: get credentials: failed to refresh\n",
            "without AWS credentials",
        ),
        (
            "error: operation error S3: ListObjectsV2, api error ExpiredToken: The provided token has "
            "expired.\n",
            "have expired",
        ),
        ("error: operation error S3: ListObjectsV2, NoSuchBucket: \n", "bucket does not exist"),
    ],
)
def test_a_backend_that_is_not_there_is_told_with_what_to_do(cli: Cli, error: str, words: str) -> None:
    """Pulumi's own messages are about its login, or about the SDK of another language."""
    with pytest.raises(UsageError, match=words):
        cli.stacks(whoami=(255, "", error))


def test_any_other_failure_is_its_own_words(cli: Cli) -> None:
    with pytest.raises(OperatorError, match=r"^pr-7: could not open the bucket: no such bucket$"):
        cli.stacks(stack_tag=(255, "warn\n", "error: could not open the bucket: no such bucket\n")).tags(
            "pr-7"
        )


def test_what_happens_is_told_in_our_own_words(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """And an error of the program is the error of the command."""
    from pulumi.automation import events

    told: list[Event] = []
    raw = {
        "sequence": 1,
        "timestamp": 1,
        "diagnosticEvent": {
            "severity": "error",
            "message": "control-plane is stuck\n",
            "color": "never",
            "urn": "u",
        },
    }
    event = events.EngineEvent.from_json(raw)
    monkeypatch.setattr(automation.Stack, "up", lambda self, on_event, color: _fail(on_event, event))
    with pytest.raises(OperatorError, match=r"^pr-7: control-plane is stuck$"):
        cli.stacks().up("pr-7", told.append)
    assert told == [Event(kind="message", urn="u", text="control-plane is stuck")]


def _fail(on_event: Any, event: Any) -> None:
    on_event(event)
    raise automation.errors.CommandError(automation.CommandResult("", "error: update failed", 255))


TRACEBACK = """Program failed with an unhandled exception:
Traceback (most recent call last):
  File "invoke.py", line 408, in do_rpc
    raise error
    ^^^^^^^^^^^
Exception: invoke of getParameter failed:
  not authorized to perform: ssm:GetParameter
"""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("  windows-0 failed\n  in flannel\n", "windows-0 failed\n  in flannel"),
        (TRACEBACK, "Exception: invoke of getParameter failed:\n  not authorized to perform: "
                    "ssm:GetParameter"),
        (f"{TRACEBACK}\nDuring handling of the above exception, another exception "
         f"occurred:\n\n{TRACEBACK.replace('invoke', 'call')}",
         "Exception: call of getParameter failed:\n  not authorized to perform: ssm:GetParameter"),
    ],
)  # fmt: skip
def test_of_an_unhandled_exception_a_user_reads_the_end(message: str, told: str) -> None:
    assert without_traceback(message) == told


def test_outputs_that_are_secret_stay_where_they_are(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    class Result:
        stderr = ""
        outputs = {  # noqa: RUF012
            "pageUrl": automation.OutputValue("http://x", False),
            "kubeconfig": automation.OutputValue("key", True),
        }

    monkeypatch.setattr(automation.Stack, "up", lambda self, on_event, color: Result)
    assert cli.stacks().up("pr-7", lambda event: None) == {"pageUrl": "http://x"}


LOCK = json.dumps(
    {"pid": 4711, "username": "ci", "hostname": "runner-7", "timestamp": "2026-11-25T11:00:00.123456789Z"}
)
PLACE = ".pulumi/locks/organization/microcosm/pr-7/x.json"


def test_a_folder_is_asked_for_its_locks(tmp_path: Path) -> None:
    path = tmp_path / PLACE
    path.parent.mkdir(parents=True)
    path.write_text(LOCK)
    (lock_owner,) = stack_locks.read_lock_owners(f"file://{tmp_path}", "microcosm", "pr-7")
    assert (lock_owner.user, lock_owner.host, lock_owner.pid) == ("ci", "runner-7", 4711)
    assert stack_locks.read_lock_owners(f"file://{tmp_path}", "microcosm", "pr-70") == []


@pytest.mark.parametrize("prefix", ["", "team/previews"])
def test_a_bucket_is_asked_for_its_locks(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="state")
        s3.put_object(Bucket="state", Key=f"{prefix}/{PLACE}".lstrip("/"), Body=LOCK)
        backend = os.path.join("s3://state", prefix) + "?region=us-east-1"
        assert [
            lock_owner.pid for lock_owner in stack_locks.read_lock_owners(backend, "microcosm", "pr-7")
        ] == [4711]
        assert stack_locks.read_lock_owners(backend, "microcosm", "pr-8") == []


def test_another_backend_is_not_asked() -> None:
    assert stack_locks.read_lock_owners("gs://state", "microcosm", "pr-7") == []
