"""The machines of a stack: as AWS knows them, and as each reports of itself in its status parameter."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.naming import CONTROL_PLANE, NODE_TAG, OS_TAG, STACK_TAG, Names

from .aws import Session, pages, stack_filter, tags_of
from .errors import OperatorError

# A parameter that Pulumi has declared and no machine has written yet.
PLACEHOLDER = "pending"
STAND_IN = "stand-in:"
RESULTS = ("running", "ok", "failed")
ALIVE = ("pending", "running", "stopping", "stopped")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """An instance of the stack that is not gone."""

    node: str
    os: str
    instance: str
    state: str
    launched: float
    type: str = ""

    @property
    def family(self) -> str:
        """linux or windows."""
        return "windows" if self.os.startswith("windows") else "linux"


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseTimes:
    """When a phase began and ended, in Unix seconds; no end means that it is still going."""

    name: str
    start: float
    end: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a machine last said of itself."""

    node: str
    instance: str
    phase: str
    result: str
    detail: str = ""
    phases: tuple[PhaseTimes, ...] = field(default=())
    # A rehearsal holds the place of a Windows machine with something that is not one, and begins each detail with it.
    stand_in: bool = False


def machines(session: Session, stack: str) -> list[Machine]:
    """Every machine of the stack that is not terminated, by node name."""
    filters = [*stack_filter(STACK_TAG, stack), {"Name": "instance-state-name", "Values": [*ALIVE]}]
    reservations = pages(session.client("ec2"), "describe_instances", "Reservations", Filters=filters)
    found = [_machine(entry) for reservation in reservations for entry in reservation["Instances"]]
    return sorted(found, key=lambda machine: (machine.node, machine.launched))


def _machine(entry: Mapping[str, Any]) -> Machine:
    tags = tags_of(entry)
    instance = str(entry["InstanceId"])
    return Machine(
        node=tags.get(NODE_TAG) or instance,
        os=tags.get(OS_TAG, ""),
        instance=instance,
        state=str(entry["State"]["Name"]),
        launched=entry["LaunchTime"].timestamp(),
        type=str(entry.get("InstanceType", "")),
    )


def control_plane(session: Session, stack: str, region: str) -> Machine:
    """The living control plane of the stack; without one there is no cluster to talk to."""
    candidates = [machine for machine in machines(session, stack) if machine.node == CONTROL_PLANE]
    if not candidates:
        raise OperatorError(f"stack {stack} has no control plane in {region}: is it up, and is this the right region and account?")
    newest = max(candidates, key=lambda machine: machine.launched)
    if newest.state not in ("pending", "running"):
        raise OperatorError(f"the control plane of {stack}, {newest.instance}, is {newest.state}: start it, or run `pulumi up`")
    return newest


def reports(session: Session, stack: str) -> dict[str, Report | None]:
    """The last report of every node that Pulumi declared; None for one that has not spoken yet."""
    root = Names(stack=stack).parameter("status")
    parameters = pages(session.client("ssm"), "get_parameters_by_path", "Parameters", Path=root, Recursive=True)
    return dict(_named_reports(root, parameters))


def _named_reports(root: str, parameters: Iterator[dict[str, Any]]) -> Iterator[tuple[str, Report | None]]:
    for parameter in parameters:
        node = str(parameter["Name"]).removeprefix(f"{root}/")
        yield node, parse_report(node, str(parameter["Value"]))


def parse_report(node: str, text: str) -> Report | None:
    """A report from its JSON; an unreadable one is reported as such, for it too says something about the machine."""
    if text == PLACEHOLDER:
        return None
    try:
        return _report(node, json.loads(text, parse_constant=_refuse))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Report(node=node, instance="", phase="unknown", result="failed", detail=f"unreadable status report: {text[:120]!r}")


def _report(node: str, document: Mapping[str, Any]) -> Report:
    instance, phase, result, detail = (document.get(key, "") for key in ("instance", "phase", "result", "detail"))
    if not (isinstance(instance, str) and isinstance(phase, str) and isinstance(detail, str)) or result not in RESULTS:
        raise ValueError("a field is missing or of the wrong type")
    phases = _phases(document.get("phases") or {})
    return Report(node=node, instance=instance, phase=phase, result=result, detail=detail, phases=phases, stand_in=detail.startswith(STAND_IN))


def _refuse(constant: str) -> float:
    """NaN and Infinity are no times."""
    raise ValueError(constant)


def _phases(document: Mapping[str, Mapping[str, Any]]) -> tuple[PhaseTimes, ...]:
    times = [
        PhaseTimes(name=name, start=float(entry["start"]), end=None if entry.get("end") is None else float(entry["end"]))
        for name, entry in document.items()
    ]
    return tuple(sorted(times, key=lambda phase: phase.start))
