"""Where the time went, or where it is stuck: a model of a stack's bring-up, built from facts alone.

facts (machines, reports, Pulumi's own events, a clock) -> Timeline -> text, HTML or JSON
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.naming import CONTROL_PLANE
from infra.report import NO_REPORT, READY, Report

from .fleet import Machine, own_report

BOOT = "boot"


class State(StrEnum):
    """How far a machine is."""

    NOT_LAUNCHED = "not launched"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


# Longer than this many seconds in one phase is worth naming. Generous readings of what others report of EC2 (a stock
# Windows AMI takes 3 to 8 minutes to its user-data, 15 at worst; a control plane that never answers is what a worker's
# join waits for), so that a slow day is not called a fault.
USUAL_SECONDS: Mapping[str, Mapping[str, int]] = {
    "linux": {BOOT: 180, "prepare": 60, "download": 180, "containerd": 60, "init": 240, "join": 420, "publish": 60, READY: 120},
    "windows": {
        BOOT: 900, "feature": 420, "reboot": 420, "download": 420, "containerd": 120, "prepare-node": 180, "join": 420,
        "flannel": 240, "kube-proxy": 120, READY: 240,
    },
}  # fmt: skip
USUAL_DEFAULT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of time with a name; no end means that it is still going."""

    name: str
    start: float
    end: float | None
    failed: bool = False

    def seconds(self, now: float) -> float:
        """How long it took, or has taken until now."""
        return max(0.0, (now if self.end is None else self.end) - self.start)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """One machine's way from its launch to Ready."""

    node: str
    family: str
    os: str
    instance: str
    state: State
    phase: str
    detail: str
    spans: tuple[Span, ...]
    stand_in: bool = False

    @property
    def label(self) -> str:
        """The node's name, and what it is not."""
        return f"{self.node} (stand-in)" if self.stand_in else self.node

    @property
    def start(self) -> float | None:
        return self.spans[0].start if self.spans else None

    @property
    def end(self) -> float | None:
        """When it was settled; None while it is going."""
        return max((span.end for span in self.spans if span.end is not None), default=None) if self.settled else None

    @property
    def settled(self) -> bool:
        return self.state in (State.READY, State.FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A machine that failed, or has been in one phase for longer than is usual."""

    node: str
    phase: str
    seconds: float
    usual: int
    failed: bool
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Everything the renderers need; times are Unix seconds."""

    stack: str
    region: str
    now: float
    lanes: tuple[Lane, ...]
    declared: tuple[Span, ...] = ()

    @property
    def start(self) -> float:
        starts = [lane.start for lane in self.lanes if lane.start is not None]
        return min([*starts, *(span.start for span in self.declared)], default=self.now)

    @property
    def end(self) -> float:
        """The end of everything when all is settled, otherwise now."""
        if not self.finished:
            return self.now
        ends = [lane.end for lane in self.lanes if lane.end is not None]
        return max([*ends, *(span.end or self.now for span in self.declared)], default=self.now)

    @property
    def ready(self) -> bool:
        return bool(self.lanes) and all(lane.state is State.READY for lane in self.lanes)

    @property
    def failed(self) -> bool:
        return any(lane.state is State.FAILED for lane in self.lanes)

    @property
    def finished(self) -> bool:
        return bool(self.lanes) and all(lane.settled for lane in self.lanes)

    @property
    def last(self) -> Lane | None:
        """The machine that everybody waited for."""
        return max((lane for lane in self.lanes if lane.end), key=lambda lane: lane.end or 0, default=None)

    @property
    def longest(self) -> tuple[Lane, Span] | None:
        """The longest phase of all."""
        pairs = [(lane, span) for lane in self.lanes for span in lane.spans]
        return max(pairs, key=lambda pair: pair[1].seconds(self.now), default=None)

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What is stuck, failures first, then the longest wait."""
        found = [trouble for lane in self.lanes if (trouble := _trouble(lane, self.now))]
        return tuple(sorted(found, key=lambda trouble: (not trouble.failed, -trouble.seconds)))


def build(
    *,
    stack: str,
    region: str,
    now: float,
    machines: Sequence[Machine],
    reports: Mapping[str, Report | None],
    declared: Sequence[Span] = (),
) -> Timeline:
    """The timeline of what is known at this moment."""
    newest = {machine.node: machine for machine in sorted(machines, key=lambda machine: machine.launched)}
    lanes = [_lane(node, newest.get(node), reports.get(node)) for node in {**dict.fromkeys(reports), **newest}]
    return Timeline(stack=stack, region=region, now=now, lanes=tuple(sorted(lanes, key=_reading_order)), declared=tuple(declared))


def _reading_order(lane: Lane) -> tuple[bool, str, str]:
    # Linux before Windows; what has no instance, and so no known system, comes last.
    return lane.node != CONTROL_PLANE, lane.family or "~", lane.node


def _lane(node: str, machine: Machine | None, report: Report | None) -> Lane:
    if machine is None:
        return Lane(
            node=node, family="", os="", instance="", state=State.NOT_LAUNCHED, phase="", spans=(),
            detail="declared, no instance yet" if report is None else "its instance is gone",
        )  # fmt: skip
    current = own_report(machine, report)
    spans = _spans(machine, current)
    return Lane(
        node=node,
        family=machine.family,
        os=machine.os,
        instance=machine.instance,
        state=_state(machine, current),
        phase=current.phase if current else BOOT,
        detail=_detail(machine, current),
        spans=spans,
        stand_in=bool(current and current.stand_in),
    )


def _state(machine: Machine, report: Report | None) -> State:
    if machine.state in ("stopping", "stopped") or (report and report.is_failed):
        return State.FAILED
    return State.READY if report and report.is_ready else State.RUNNING


def _detail(machine: Machine, report: Report | None) -> str:
    if machine.state in ("stopping", "stopped"):
        return f"the instance is {machine.state}"
    return report.detail if report else NO_REPORT


def _spans(machine: Machine, report: Report | None) -> tuple[Span, ...]:
    """Boot (launch to the first word), then the phases as reported."""
    phases = report.phases if report else ()
    first = phases[0].start if phases else None
    boot = [Span(name=BOOT, start=machine.launched, end=first)] if first is None or first > machine.launched else []
    failing = report.phase if report and report.is_failed else None
    return (*boot, *(Span(name=p.name, start=p.start, end=p.end, failed=p.name == failing) for p in phases))


def usual_seconds(family: str, phase: str) -> int:
    """How long a phase may take before it is worth naming."""
    return USUAL_SECONDS.get(family, {}).get(phase, USUAL_DEFAULT)


def _trouble(lane: Lane, now: float) -> Trouble | None:
    if lane.state is not State.FAILED and lane.state is not State.RUNNING:
        return None
    span = next((span for span in reversed(lane.spans) if span.name == lane.phase), None)
    failed = lane.state is State.FAILED
    seconds, usual = _waiting(span, failed, now), usual_seconds(lane.family, lane.phase)
    if not failed and seconds <= usual:
        return None
    return Trouble(node=lane.label, phase=lane.phase, seconds=seconds, usual=usual, failed=failed, detail=lane.detail)


def _waiting(span: Span | None, failed: bool, now: float) -> float:
    """For how long nothing has moved: in the phase, or since it ended when the next one has not begun."""
    if span is None:
        return 0.0
    return span.seconds(now) if failed or span.end is None else now - span.end
