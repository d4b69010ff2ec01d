"""Collect a failure bundle of one machine: its status report, its console and its logs.

No missing file is an error, because a machine whose logs are needed often cannot answer. The bundle names
each missing file and the reason.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.config.naming import Names
from infra.node.report import Report, parameter

from ..access import machine as access
from ..aws import machines
from ..aws.machines import Machine
from ..aws.session import Session
from .redact import redact
from .remote import CommandOutput, Remote
from .sources import SOURCES

# The number of commands that an agent runs at once (amazon-ssm-agent, README: Mds.CommandWorkersLimit).
PARALLEL = 5
STATUS, CONSOLE = "status.json", "console.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleFile:
    """One file of the bundle; `problem` is the reason if it is missing."""

    file: str
    what: str
    text: str = ""
    size: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """The report and the files of one machine."""

    machine: Machine
    report: Report | None
    files: tuple[BundleFile, ...]

    @property
    def missing(self) -> list[BundleFile]:
        return [entry for entry in self.files if entry.problem]


def collect(
    session: Session, stack: str, machine: Machine, execute: Callable[[str], CommandOutput] | None = None
) -> Bundle:
    """Collect the files of a machine in any state; `execute` runs a command on it."""
    report, status = _status(session, stack, machine)
    execute = execute or Remote(ssm=session.client("ssm"), machine=machine).execute
    files = (status, _console(session, machine), *_remote(machine, execute))
    return Bundle(machine=machine, report=report, files=files)


def _status(session: Session, stack: str, machine: Machine) -> tuple[Report | None, BundleFile]:
    """Read the machine's report, if it belongs to this instance."""
    what, name = "the machine's last status report", Names(stack=stack).parameter("status", machine.node)
    ssm = session.client("ssm")
    try:
        entry = ssm.get_parameter(Name=name)["Parameter"]
    except ClientError as answer:
        return None, BundleFile(file=STATUS, what=what, problem=f"{name}: {answer.response['Error']['Code']}")
    text, last = str(entry["Value"]), parameter(machine.node, entry)
    if last is None:
        return None, BundleFile(file=STATUS, what=what, problem="the machine has not reported anything yet")
    report = machines.own_report(machine, last)
    if report is None:
        earlier = (
            f"the last report is of {last.instance or 'another instance'}, an earlier machine of that name"
        )
        return None, BundleFile(file=STATUS, what=what, problem=earlier)
    return report, BundleFile(file=STATUS, what=what, text=redact(_pretty(text)), size=len(text))


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text


def _console(session: Session, machine: Machine) -> BundleFile:
    what = "the serial console: output from before the other logs exist"
    try:
        text = _console_output(session.client("ec2"), machine.instance)
    except ClientError as answer:
        error = answer.response["Error"]
        return BundleFile(file=CONSOLE, what=what, problem=f"{error['Code']}: {error['Message']}")
    if not text:
        return BundleFile(
            file=CONSOLE, what=what, problem="EC2 has no console output yet: it comes minutes after the start"
        )
    return BundleFile(file=CONSOLE, what=what, text=redact(text), size=len(text))


def _console_output(ec2: Any, instance: str) -> str:
    """Read the present console; instance types without Nitro only have the last start's."""
    try:
        return str(ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", ""))
    except ClientError as answer:
        if answer.response["Error"]["Code"] != "UnsupportedOperation":
            raise
        return str(ec2.get_console_output(InstanceId=instance).get("Output", ""))


def _remote(machine: Machine, execute: Callable[[str], CommandOutput]) -> Iterator[BundleFile]:
    sources = SOURCES[machine.family]
    if machine.state == access.RUNNING:
        answers = _answers([source.command for source in sources], execute)
    else:
        answers = [CommandOutput(problem=f"the machine is {machine.state}")] * len(sources)
    for source, output in zip(sources, answers, strict=True):
        text = redact(output.text)
        yield BundleFile(
            file=source.file, what=source.what, text=text, size=output.size, problem=output.problem
        )


def _answers(commands: Sequence[str], execute: Callable[[str], CommandOutput]) -> list[CommandOutput]:
    """Run the first command alone; if it does not reach the machine, skip the others.

    Each command that does not arrive costs minutes of waiting.
    """
    first = execute(commands[0])
    if not first.reached:
        return [first] * len(commands)
    with ThreadPoolExecutor(PARALLEL) as pool:
        return [first, *pool.map(execute, commands[1:])]
