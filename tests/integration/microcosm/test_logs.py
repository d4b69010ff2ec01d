"""The failure bundle: its commands, their output, redaction, and missing files."""

import base64
import gzip
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from microcosm import options
from microcosm.aws.machines import Machine
from microcosm.errors import UsageError
from microcosm.logs import bundle as logs
from microcosm.logs import command as logs_command
from microcosm.logs import remote as logs_remote
from microcosm.logs import report as logs_report
from microcosm.logs.remote import CommandOutput, Remote
from microcosm.logs.sources import SOURCES
from microcosm.pulumi_cli.target import resolve
from tests.support.redact_corpus import SECRETS

from .conftest import SESSION, Cloud
from .overlay import Overlay, raising, refusal
from .test_cli import HERE, run

TOKEN = "abcdef.0123456789abcdef"
# A text with many secrets, and what must not come out of it.
TEXT = "\n".join(
    SECRETS[kind][0] for kind in ("join", "kubeconfig", "json camel", "key id", "jwt", "pem", "env upper")
)
LEAKS = re.compile("abcdef\\.0123|LS0tLS|wJalr|AKIAIOS|eyJhb|MIIEpA|c2VjcmV0")
HARMLESS = (
    "kubelet: pod ccauth-7d9c on 10.244.2.3:80 is Running\nsha256:0123456789abcdef token "
    "authentication is on\n"
)


def machine(system: str = "ubuntu-24.04", state: str = "running") -> Machine:
    node = "windows-0" if system.startswith("windows") else "linux-0"
    return Machine(node=node, os=system, instance="i-1", state=state, launched=0, type="t3.large")


def on_this_computer(command: str) -> CommandOutput:
    """Answer as a Linux machine would: sh runs the real script."""
    done = subprocess.run(
        ["sh"], input=logs_remote.script("linux", command), text=True, capture_output=True, check=True
    )
    return logs_remote.unpack(done.stdout)


# --- secrets ---


def test_a_linux_machine_cuts_out_secrets_itself(tmp_path: Path) -> None:
    """Run Command keeps what was printed for a month: a secret must not get there."""
    (tmp_path / "log").write_text(f"{HARMLESS}{TEXT}\n{HARMLESS}")
    output = on_this_computer(f"cat '{tmp_path}/log'")
    assert not LEAKS.search(output.text.replace(HARMLESS, ""))
    assert output.text.count(HARMLESS) == 2


def test_bytes_that_are_no_text_come_as_they_are(tmp_path: Path) -> None:
    """A log may hold anything."""
    (tmp_path / "log").write_bytes(b"caf\xe9 PASSWORD=abc\n\xff\xfe ok\n")
    done = subprocess.run(
        ["sh"],
        input=logs_remote.script("linux", f"cat '{tmp_path}/log'"),
        text=True,
        capture_output=True,
        check=True,
    )
    packed = "".join(done.stdout.split()[1:])
    assert gzip.decompress(base64.b64decode(packed)) == b"caf\xe9 PASSWORD=[redacted]\n\xff\xfe ok\n"


def test_without_python_a_machine_prints_nothing_rather_than_secrets(tmp_path: Path) -> None:
    """Ubuntu's images have it, since cloud-init is written in it."""
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3").chmod(0o755)
    text = f"PATH={tmp_path}:$PATH\n{logs_remote.script('linux', f'echo {TOKEN}')}"
    done = subprocess.run(["sh"], input=text, text=True, capture_output=True, check=True)
    assert logs_remote.unpack(done.stdout) == CommandOutput(text="", size=0)


# --- asking a machine ---


def test_what_is_too_long_comes_as_its_end() -> None:
    """Even what does not compress fits into what Run Command returns."""
    output = on_this_computer("head -c 300000 /dev/urandom | base64; echo the end")
    assert output.size > 300_000
    assert len(output.text) == 17_000, "more would be cut off by Run Command, and could not be unpacked"
    assert output.text.endswith("the end\n")


def test_a_command_that_fails_or_prints_nothing_is_no_problem() -> None:
    """The output is the result, including error messages."""
    assert "No such file" in on_this_computer("cat /nowhere/at/all; exit 3").text
    assert on_this_computer("true") == CommandOutput(text="", size=0)


@pytest.mark.parametrize("source", SOURCES["windows"], ids=lambda source: source.file)
def test_every_windows_command_can_be_sent(source: Any) -> None:
    """tests/windows/scripts.Tests.ps1 parses and runs them."""
    text = logs_remote.script("windows", source.command)
    assert text.isascii()
    assert "{{" not in text, "Systems Manager would put a parameter's value there"


@pytest.mark.parametrize("source", SOURCES["linux"], ids=lambda source: source.file)
def test_every_linux_command_is_a_shell_command(source: Any) -> None:
    """Ubuntu's sh is dash, which is asked here where it is sh."""
    subprocess.run(["sh", "-n", "-c", source.command], check=True, capture_output=True)
    assert "{{" not in logs_remote.script("linux", source.command)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("", "reports success and no output"),
        ("bash: syntax error", "cannot be read: 'bash: syntax error'"),
        ("100\nH4sIAAAA", "came incomplete"),
        ("100\n" + base64.b64encode(gzip.compress(b"x" * 5000, mtime=0)).decode()[:40], "came incomplete"),
    ],
)
def test_an_answer_that_is_not_one_is_told_as_that(output: str, words: str) -> None:
    """A fake cloud answers every command with success and nothing."""
    assert words in logs_remote.unpack(output).problem


def test_an_answer_may_be_broken_into_lines() -> None:
    """A Windows console does so."""
    packed = base64.b64encode(gzip.compress(b"hello")).decode()
    assert logs_remote.unpack(f"5\r\n{packed[:10]}\r\n{packed[10:]}\r\n") == CommandOutput(
        text="hello", size=5
    )


def remote(
    invocations: Iterator[Mapping[str, Any]], send: Callable[..., Any] | None = None
) -> tuple[Remote, list[dict[str, Any]]]:
    """A Windows machine behind an SSM that goes through these invocations."""
    sent: list[dict[str, Any]] = []

    def accept(**request: Any) -> dict[str, Any]:
        sent.append(request)
        return {"Command": {"CommandId": "c-1"}}

    def invocation(**_: Any) -> Mapping[str, Any]:
        answer = next(invocations)
        if "raise" in answer:
            raise answer["raise"]
        return answer

    ssm = Overlay(
        SESSION, {"ssm.send_command": send or accept, "ssm.get_command_invocation": invocation}
    ).client("ssm")
    return Remote(ssm=ssm, machine=machine("windows-2019"), patience=0.2, sleep=lambda _: None), sent


def test_a_command_is_sent_bounded_and_waited_for() -> None:
    """In the moment after it was sent there is no invocation of it yet."""
    output = "2\n" + base64.b64encode(gzip.compress(b"ok")).decode()
    unknown = SESSION.client("ssm").exceptions.InvocationDoesNotExist(
        {"Error": {"Code": "InvocationDoesNotExist"}}, "GetCommandInvocation"
    )
    asked, sent = remote(
        iter(
            [
                {"raise": unknown},
                {"Status": "InProgress"},
                {"Status": "Success", "StandardOutputContent": output},
            ]
        )
    )
    assert asked.execute("hnsdiag list all") == CommandOutput(text="ok", size=2)
    (request,) = sent
    assert (request["DocumentName"], request["Parameters"]["executionTimeout"]) == (
        "AWS-RunPowerShellScript",
        ["120"],
    )
    assert "hnsdiag list all" in request["Parameters"]["commands"][0]


def test_why_there_is_no_answer_is_said() -> None:
    """No agent, no permission, no end, and an end in failure."""
    invalid = SESSION.client("ssm").exceptions.InvalidInstanceId(
        {"Error": {"Code": "InvalidInstanceId"}}, "SendCommand"
    )
    denied = refusal("SendCommand", "AccessDeniedException", "not authorized")
    failed = {
        "Status": "Failed",
        "StatusDetails": "Undeliverable",
        "StandardOutputContent": "",
        "StandardErrorContent": "no\nshell",
    }
    pending = iter(lambda: {"Status": "Pending"}, None)
    lost = remote(iter([]), raising(invalid))[0].execute("x")
    assert ("SSM agent is not connected" in lost.problem, lost.reached) == (True, False)
    assert (
        remote(iter([]), raising(denied))[0].execute("x").problem
        == "SendCommand: AccessDeniedException: not authorized"
    )
    assert remote(iter([failed]))[0].execute("x").problem == "Run Command ended with Undeliverable: no shell"
    assert remote(pending)[0].execute("x").problem.startswith("no answer within 0 s")


# --- the bundle ---


def status(cloud: Cloud, this: str, **changes: Any) -> None:
    """The machine's report: it failed to join."""
    said = {
        "instance": this,
        "node": "linux-0",
        "phase": "join",
        "result": "failed",
        "detail": f"token {TOKEN} is unknown",
        "phases": {},
    }
    cloud.parameter("status/linux-0", json.dumps(said | changes))


def collected(cloud: Cloud, execute: Callable[[str], CommandOutput], **changes: Any) -> logs.Bundle:
    """A bundle of a running Linux machine that answers like this."""
    instance = cloud.machine("linux-0")
    status(cloud, instance, **changes)
    found = Machine(
        node="linux-0", os="ubuntu-24.04", instance=instance, state="running", launched=0, type="t3.medium"
    )
    return logs.collect(cloud.session, "dev", found, execute)


def test_the_verdict_is_phase_cause_and_what_is_missing(cloud: Cloud) -> None:
    """One line that a person can act on, without the token."""

    def execute(command: str) -> CommandOutput:
        text = "E1125 error: couldn't validate the identity of the API Server"
        return (
            CommandOutput(text=text, size=len(text))
            if "unit=kubelet" in command
            else CommandOutput(problem="no")
        )

    bundle = collected(cloud, execute)
    instance = bundle.machine.instance
    assert logs_report.verdict(bundle) == (
        f"linux-0 ({instance}) failed in phase join: token [redacted] is unknown; "
        "the join token has expired, or is of another cluster (kubelet.txt); 8 of 11 files are missing"
    )
    index = logs_report.index(bundle, "now")
    assert index.splitlines()[0] == logs_report.verdict(bundle)
    assert "  cloud-init.txt, containerd.txt, pods.txt" in index
    assert not LEAKS.search(index)


def test_a_machine_that_cannot_be_reached_is_waited_for_once(cloud: Cloud) -> None:
    """A dozen times three minutes would be half an hour."""
    asked: list[str] = []

    def execute(command: str) -> CommandOutput:
        asked.append(command)
        return CommandOutput(problem=logs_remote.NO_AGENT, reached=False)

    bundle = collected(cloud, execute)
    assert len(asked) == 1
    assert len([entry for entry in bundle.missing if entry.problem == logs_remote.NO_AGENT]) == len(
        SOURCES["linux"]
    )


def test_a_machine_that_is_not_running_is_not_asked(cloud: Cloud) -> None:
    """Its status and console are still there."""
    cloud.parameter("status/linux-0", "pending")
    stopped = Machine(
        node="linux-0", os="ubuntu-24.04", instance=cloud.machine("linux-0"), state="stopped", launched=0
    )
    bundle = logs.collect(cloud.session, "dev", stopped, lambda command: pytest.fail("it was asked"))
    assert {entry.problem for entry in bundle.missing} == {
        "the machine has not reported anything yet",
        "the machine is stopped",
    }
    assert [entry.file for entry in bundle.files if not entry.problem] == ["console.txt"]
    assert "is stopped" in logs_report.verdict(bundle)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"result": "ok", "phase": "ready", "detail": ""}, "reports that it is ready"),
        ({"result": "running", "phase": "flannel", "detail": "attempt 2"}, "is in phase flannel: attempt 2"),
        ({"instance": "i-earlier"}, "has reported nothing: read console.txt"),
    ],
)
def test_the_state_is_what_this_very_machine_reported(cloud: Cloud, said: dict[str, str], words: str) -> None:
    """A report of the machine that had the name before says nothing of this one."""
    assert words in logs_report.verdict(
        collected(cloud, lambda command: CommandOutput(text="x", size=1), **said)
    )


def test_a_console_of_an_old_type_is_asked_without_latest() -> None:
    """Only types on Nitro have the present output."""

    def answer(**request: Any) -> dict[str, Any]:
        if "Latest" in request:
            raise refusal("GetConsoleOutput", "UnsupportedOperation")
        return {"Output": f"booting with {TOKEN}"}

    entry = logs._console(Overlay(SESSION, {"ec2.get_console_output": answer}), machine())
    assert entry.text == "booting with [redacted]"
    denied = Overlay(
        SESSION, {"ec2.get_console_output": raising(refusal("GetConsoleOutput", "UnauthorizedOperation"))}
    )
    assert logs._console(denied, machine()).problem == "UnauthorizedOperation: no"


@pytest.mark.parametrize("symptom", logs_report.SYMPTOMS, ids=lambda symptom: symptom.cause)
def test_symptoms_are_patterns_that_mean_one_thing(symptom: logs_report.Symptom) -> None:
    """None of them is found in what a healthy machine says."""
    assert not re.search(symptom.pattern, HARMLESS)


def test_the_command_writes_a_folder_that_only_its_owner_reads(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """moto's Run Command reports success without output; the index names that."""
    monkeypatch.setattr(options, "connect", lambda stack, region: (resolve(stack, region), cloud.session))
    instance = cloud.machine("linux-0")
    status(cloud, instance)
    folder = tmp_path / "a" / "bundle"
    code, text = run("logs", *HERE, "linux-0", "--out", str(folder), "--json")
    told = json.loads(text)
    assert (code, told["path"], told["instance"]) == (0, str(folder), instance)
    assert {path.name for path in folder.iterdir()} == {"index.txt", "status.json", "console.txt"}
    assert "reports success and no output" in (folder / "index.txt").read_text()
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(UsageError, match="is not empty: name a new folder"):
        run("logs", *HERE, "linux-0", "--out", str(folder))


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    """Collecting takes minutes."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be made \(Not a directory\)"):
        logs_command._new_folder(tmp_path / "file" / "bundle")
