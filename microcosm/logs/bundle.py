"""Collect a failure bundle of one machine: its status report, its console and its logs.

No missing file is an error, because a machine whose logs are needed often cannot answer. The bundle names
each missing file and the reason.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """A pattern in a log that has one known cause."""

    pattern: str
    cause: str


# The verdict names the first match, so a cause stands before its consequences. The texts are those of
# userdata/, kubeadm, kubelet, containerd and HNS.
SYMPTOMS = (
    Symptom(
        pattern=r"the bill of materials says|does not have the sum",
        cause="a download has another checksum than the bill of materials",
    ),
    Symptom(pattern=r"[Nn]o space left on device|not enough space on the disk", cause="the disk is full"),
    Symptom(
        pattern=r"certificate has expired or is not yet valid",
        cause="the machine's clock is wrong, or a certificate has expired",
    ),
    Symptom(
        pattern=r"couldn't validate the identity of the API Server",
        cause="the join token has expired, or is of another cluster",
    ),
    Symptom(
        pattern=r"wrong diskette",
        cause="HNS trips over a network of an earlier boot, which the flannel phase resets",
    ),
    Symptom(
        pattern=r"container operating system does not match the host",
        cause="an image is of another Windows build than the node",
    ),
    Symptom(
        pattern=r":6443: (connect: connection refused|i/o timeout)|:6443: connectex",
        cause="the API server is not reached on port 6443",
    ),
    Symptom(
        pattern=r"ImagePullBackOff|ErrImagePull|failed to pull (and unpack )?image",
        cause="an image cannot be pulled",
    ),
    Symptom(
        pattern=r"cni plugin not initialized|[Nn]etworkPluginNotReady",
        cause="there is no pod network yet: flanneld has not come up",
    ),
)


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


def verdict(bundle: Bundle) -> str:
    """Summarize in one line what is wrong with the machine."""
    machine = bundle.machine
    clauses = [f"{machine.node} ({machine.instance}) {_state(bundle)}", *_symptoms(bundle.files)[:1]]
    if bundle.missing:
        clauses.append(f"{len(bundle.missing)} of {len(bundle.files)} files are missing")
    return "; ".join(clauses)


def _state(bundle: Bundle) -> str:
    report = bundle.report
    if bundle.machine.state != access.RUNNING:
        return f"is {bundle.machine.state}"
    if report is None:
        return "is running and has reported nothing: read console.txt"
    detail = f": {redact(report.detail)}" if report.detail else ""
    words = {
        "failed": f"failed in phase {report.phase}",
        "running": f"is in phase {report.phase}",
        "ok": "reports that it is ready",
    }
    return words[report.result] + detail


def _symptoms(files: Sequence[BundleFile]) -> list[str]:
    """List known causes, each with the file that contains its pattern."""
    return [
        f"{symptom.cause} ({entry.file})"
        for symptom in SYMPTOMS
        for entry in [next((entry for entry in files if re.search(symptom.pattern, entry.text)), None)]
        if entry
    ]


def document(bundle: Bundle, path: str) -> dict[str, Any]:
    """Return the bundle as JSON, without the texts, which are in the files."""
    return {
        "node": bundle.machine.node,
        "instance": bundle.machine.instance,
        "os": bundle.machine.os,
        "path": path,
        "verdict": verdict(bundle),
        "symptoms": _symptoms(bundle.files),
        "parts": [
            {key: value for key, value in asdict(entry).items() if key != "text"} for entry in bundle.files
        ],
    }


def index(bundle: Bundle, when: str) -> str:
    """Render index.txt: the verdict, the content of each file, and the missing files with their reasons."""
    machine = bundle.machine
    symptoms = [f"  - {symptom}" for symptom in _symptoms(bundle.files)]
    lines = [
        verdict(bundle),
        "",
        f"{machine.node}: {machine.os}, {machine.type}, {machine.instance}, {machine.state}; collected "
        f"{when}",
    ]
    lines += ["", "known symptoms", *symptoms] if symptoms else []
    lines += [
        "",
        "files",
        *(f"  {entry.file:<18} {_extent(entry)}{entry.what}" for entry in bundle.files if not entry.problem),
    ]
    lines += ["", "missing", *_missing(bundle)] if bundle.missing else []
    warning = "Recognised tokens, keys and passwords are cut out; check the files before you pass them on."
    return "\n".join([*lines, "", warning, ""])


def _missing(bundle: Bundle) -> Iterator[str]:
    """List each reason once, with the files that are missing for it."""
    for reason in dict.fromkeys(entry.problem for entry in bundle.missing):
        yield f"  {', '.join(entry.file for entry in bundle.missing if entry.problem == reason)}: {reason}"


def _extent(entry: BundleFile) -> str:
    got = len(entry.text.encode())
    return f"the last {got} of {entry.size} bytes: " if got < entry.size else ""
