"""A failure bundle of one machine: what it reported, its console, and what it says itself when it is asked.

Nothing in here is fatal: a machine that is asked for its logs is often one that cannot answer, and that is a finding too.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.naming import Names
from infra.report import Report, parameter

from . import access, fleet
from .aws import Session
from .fleet import Machine
from .logs_redact import redact
from .logs_remote import Remote, Said
from .logs_sources import SOURCES

# So many commands an agent runs at once (amazon-ssm-agent, README: Mds.CommandWorkersLimit).
PARALLEL = 5
STATUS, CONSOLE = "status.json", "console.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file of the bundle; a problem says why it is not there."""

    file: str
    what: str
    text: str = ""
    size: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """All that could be had of one machine."""

    machine: Machine
    report: Report | None
    parts: tuple[Part, ...]

    @property
    def missing(self) -> list[Part]:
        return [part for part in self.parts if part.problem]


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """Words in a log that have one known cause."""

    words: str
    means: str


# The first that is found is told, so what causes others stands before them. The words are those of userdata/, kubeadm,
# kubelet, containerd and HNS.
SYMPTOMS = (
    Symptom(words=r"the bill of materials says|does not have the sum", means="a download has another checksum than the bill of materials"),
    Symptom(words=r"[Nn]o space left on device|not enough space on the disk", means="the disk is full"),
    Symptom(words=r"certificate has expired or is not yet valid", means="the machine's clock is wrong, or a certificate has expired"),
    Symptom(words=r"couldn't validate the identity of the API Server", means="the join token has expired, or is of another cluster"),
    Symptom(words=r"wrong diskette", means="HNS trips over a network of an earlier boot, which the flannel phase resets"),
    Symptom(words=r"container operating system does not match the host", means="an image is of another Windows build than the node"),
    Symptom(words=r":6443: (connect: connection refused|i/o timeout)|:6443: connectex", means="the API server is not reached on port 6443"),
    Symptom(words=r"ImagePullBackOff|ErrImagePull|failed to pull (and unpack )?image", means="an image cannot be pulled"),
    Symptom(words=r"cni plugin not initialized|[Nn]etworkPluginNotReady", means="there is no pod network yet: flanneld has not come up"),
)


def collect(session: Session, stack: str, machine: Machine, ask: Callable[[str], Said] | None = None) -> Bundle:
    """Everything that is to be had of a machine, in any state."""
    report, status = _status(session, stack, machine)
    parts = [status, _console(session, machine), *_remote(machine, ask or Remote(ssm=session.client("ssm"), machine=machine).ask)]
    return Bundle(machine=machine, report=report, parts=tuple(parts))


def _status(session: Session, stack: str, machine: Machine) -> tuple[Report | None, Part]:
    """The machine's own report, if it is of this very instance."""
    what, name = "what the machine last reported of itself", Names(stack=stack).parameter("status", machine.node)
    ssm = session.client("ssm")
    try:
        entry = ssm.get_parameter(Name=name)["Parameter"]
    except ClientError as answer:
        return None, Part(file=STATUS, what=what, problem=f"{name}: {answer.response['Error']['Code']}")
    text, last = str(entry["Value"]), parameter(machine.node, entry)
    if last is None:
        return None, Part(file=STATUS, what=what, problem="the machine has not reported anything yet")
    report = fleet.own_report(machine, last)
    if report is None:
        earlier = f"the last report is of {last.instance or 'another instance'}, an earlier machine of that name"
        return None, Part(file=STATUS, what=what, problem=earlier)
    return report, Part(file=STATUS, what=what, text=redact(_pretty(text)), size=len(text))


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text


def _console(session: Session, machine: Machine) -> Part:
    what = "the serial console: what was printed before anything else worked"
    try:
        text = _console_output(session.client("ec2"), machine.instance)
    except ClientError as answer:
        return Part(file=CONSOLE, what=what, problem=f"{answer.response['Error']['Code']}: {answer.response['Error']['Message']}")
    if not text:
        return Part(file=CONSOLE, what=what, problem="EC2 has no console output yet: it comes minutes after the start")
    return Part(file=CONSOLE, what=what, text=redact(text), size=len(text))


def _console_output(ec2: Any, instance: str) -> str:
    """The present output; types that are not built on Nitro have only the one of the last start."""
    try:
        return str(ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", ""))
    except ClientError as answer:
        if answer.response["Error"]["Code"] != "UnsupportedOperation":
            raise
        return str(ec2.get_console_output(InstanceId=instance).get("Output", ""))


def _remote(machine: Machine, ask: Callable[[str], Said]) -> Iterator[Part]:
    sources = SOURCES[machine.family]
    if machine.state == access.RUNNING:
        answers = _answers([source.command for source in sources], ask)
    else:
        answers = [Said(problem=f"the machine is {machine.state}")] * len(sources)
    for source, said in zip(sources, answers, strict=True):
        yield Part(file=source.file, what=source.what, text=redact(said.text), size=said.size, problem=said.problem)


def _answers(commands: Sequence[str], ask: Callable[[str], Said]) -> list[Said]:
    """The first command finds out whether any arrives: a machine that is not there must not be waited for a dozen times."""
    first = ask(commands[0])
    if not first.reached:
        return [first] * len(commands)
    with ThreadPoolExecutor(PARALLEL) as pool:
        return [first, *pool.map(ask, commands[1:])]


def verdict(bundle: Bundle) -> str:
    """What is wrong with the machine as far as the bundle tells, in one line."""
    machine = bundle.machine
    told = [f"{machine.node} ({machine.instance}) {_state(bundle)}", *_symptoms(bundle.parts)[:1]]
    if bundle.missing:
        told.append(f"{len(bundle.missing)} of {len(bundle.parts)} parts could not be had")
    return "; ".join(told)


def _state(bundle: Bundle) -> str:
    report = bundle.report
    if bundle.machine.state != access.RUNNING:
        return f"is {bundle.machine.state}"
    if report is None:
        return "is running and has reported nothing: look into console.txt"
    detail = f": {redact(report.detail)}" if report.detail else ""
    words = {"failed": f"failed in phase {report.phase}", "running": f"is in phase {report.phase}", "ok": "reports that it is ready"}
    return words[report.result] + detail


def _symptoms(parts: Sequence[Part]) -> list[str]:
    """Known causes, each with the file in which its words stand."""
    return [
        f"{symptom.means} ({part.file})"
        for symptom in SYMPTOMS
        for part in [next((part for part in parts if re.search(symptom.words, part.text)), None)]
        if part
    ]


def document(bundle: Bundle, path: str) -> dict[str, Any]:
    """The bundle for a program; the texts are in the files."""
    return {
        "node": bundle.machine.node,
        "instance": bundle.machine.instance,
        "os": bundle.machine.os,
        "path": path,
        "verdict": verdict(bundle),
        "symptoms": _symptoms(bundle.parts),
        "parts": [{key: value for key, value in asdict(part).items() if key != "text"} for part in bundle.parts],
    }


def index(bundle: Bundle, when: str) -> str:
    """The first page: the verdict, what is in each file, and what could not be had and why."""
    machine = bundle.machine
    symptoms = [f"  - {symptom}" for symptom in _symptoms(bundle.parts)]
    lines = [verdict(bundle), "", f"{machine.node}: {machine.os}, {machine.type}, {machine.instance}, {machine.state}; collected {when}"]
    lines += ["", "known symptoms", *symptoms] if symptoms else []
    lines += ["", "files", *(f"  {part.file:<18} {_extent(part)}{part.what}" for part in bundle.parts if not part.problem)]
    lines += ["", "not to be had", *_missing(bundle)] if bundle.missing else []
    return "\n".join([*lines, "", "Tokens, keys and passwords that were recognised are cut out; look before you pass it on.", ""])


def _missing(bundle: Bundle) -> Iterator[str]:
    """Each reason once, with the files that it keeps away."""
    for reason in dict.fromkeys(part.problem for part in bundle.missing):
        yield f"  {', '.join(part.file for part in bundle.missing if part.problem == reason)}: {reason}"


def _extent(part: Part) -> str:
    got = len(part.text.encode())
    return f"the last {got} of {part.size} bytes: " if got < part.size else ""
