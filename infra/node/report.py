"""The status report of a machine: its schema, its parser, and which instance it belongs to. Pure.

Writers: send_report in userdata/linux/common.sh, Send-Report in userdata/windows/plan.ps1, Send-Failure in
bootstrap.ps1. Readers: the readiness wait (readiness.py, diagnosis.py) and the commands of `microcosm`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The value of a parameter that Pulumi has declared and that no machine has written yet.
PLACEHOLDER = "pending"
READY = "ready"
UNKNOWN = "unknown"
RUNNING, OK, FAILED = RESULTS = ("running", "ok", "failed")
# A rehearsal holds the place of a Windows machine with something that is not one, and begins each detail with
# this.
STAND_IN = "stand-in:"
NO_REPORT = "no report yet; it is booting, or cannot reach the AWS API"
SHOWN_CHARACTERS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseTimes:
    """When a phase began and ended, in Unix seconds; no end means that it is still going."""

    name: str
    start: float
    end: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The last report of a machine.

    `written` (Unix seconds) is when Systems Manager stored it, by the clock of AWS.
    """

    node: str
    instance: str
    phase: str
    result: str
    detail: str = ""
    phases: tuple[PhaseTimes, ...] = field(default=())
    # Not compared: a report that is sent twice, because the first answer was lost, is one report.
    written: float = field(default=0.0, compare=False)

    @property
    def is_ready(self) -> bool:
        return self.phase == READY and self.result == OK

    @property
    def is_failed(self) -> bool:
        return self.result == FAILED

    @property
    def stand_in(self) -> bool:
        return self.detail.startswith(STAND_IN)

    def times(self, phase: str) -> PhaseTimes:
        """When this phase began and ended; KeyError when the machine has not reported it."""
        return {each.name: each for each in self.phases}[phase]


def parse(node: str, text: str, written: float) -> Report | None:
    """Parse the value of a status parameter; None while the machine has not written it.

    A value that is no report becomes a failed report without an instance id: a machine that writes rubbish
    needs attention.
    """
    if text.strip() in ("", PLACEHOLDER):
        return None
    try:
        return _report(node, json.loads(text, parse_constant=_refuse), written)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        shown = text[:SHOWN_CHARACTERS]
        detail = f"unreadable status report: {shown!r}"
        return Report(node=node, instance="", phase=UNKNOWN, result=FAILED, detail=detail, written=written)


def parameters(path: str, entries: Any) -> dict[str, Report | None]:
    """Parse the `Parameters` of GetParametersByPath; the key is the node's name."""
    nodes = {str(entry["Name"]).removeprefix(f"{path}/"): entry for entry in entries}
    return {node: parameter(node, entry) for node, entry in nodes.items()}


def parameter(node: str, entry: Mapping[str, Any]) -> Report | None:
    """Parse one `Parameter` of the Systems Manager API."""
    return parse(node, str(entry["Value"]), entry["LastModifiedDate"].timestamp())


def of_instance(report: Report | None, instance: str, launched: float | None) -> Report | None:
    """Return the report if it belongs to this instance, otherwise None.

    A report that names an instance belongs to that one. A report without an id (the machine could not ask the
    metadata service, or the report is unreadable) belongs to the present instance if it was written after EC2
    launched it: an earlier machine of the same name was deleted before (node_pool.py, delete_before_replace).
    Both times are AWS's own.
    """
    if report is None:
        return None
    if report.instance:
        return report if report.instance == instance else None
    return report if launched is not None and report.written >= launched else None


def describe(report: Report | None) -> str:
    """Describe in words where a machine is."""
    if report is None:
        return NO_REPORT
    return f"phase {report.phase}" + (f": {report.detail}" if report.detail else "")


def _report(node: str, document: Mapping[str, Any], written: float) -> Report:
    instance, phase, result, detail = (
        document.get(key, "") for key in ("instance", "phase", "result", "detail")
    )
    if (
        not (isinstance(instance, str) and isinstance(phase, str) and isinstance(detail, str))
        or result not in RESULTS
    ):
        raise ValueError("a field is missing or of the wrong type")
    if not phase:
        raise ValueError("no phase")
    phases = _phases(document.get("phases") or {})
    return Report(
        node=node,
        instance=instance,
        phase=phase,
        result=result,
        detail=detail,
        phases=phases,
        written=written,
    )


def _refuse(constant: str) -> float:
    """Refuse NaN and Infinity, which are no times."""
    raise ValueError(constant)


def _phases(document: Mapping[str, Mapping[str, Any]]) -> tuple[PhaseTimes, ...]:
    times = [
        PhaseTimes(
            name=name,
            start=float(entry["start"]),
            end=None if entry.get("end") is None else float(entry["end"]),
        )
        for name, entry in document.items()
    ]
    return tuple(sorted(times, key=lambda phase: phase.start))
