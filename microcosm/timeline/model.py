"""Model a stack's bring-up: phases of each machine and critical times.

Input: machines, their reports, Pulumi's engine spans and a clock. Output: a Timeline, which the renderers
turn into text, HTML or JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.config.naming import CONTROL_PLANE
from infra.node.report import NO_REPORT, Report

from ..aws.machines import Machine, own_report

BOOT = "boot"


class State(StrEnum):
    """State of a machine during the bring-up."""

    NOT_LAUNCHED = "not launched"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A named period in Unix seconds; `end` is None while it lasts."""

    name: str
    start: float
    end: float | None
    failed: bool = False

    def seconds(self, now: float) -> float:
        """Return the duration, until `now` if the span has not ended."""
        return max(0.0, (now if self.end is None else self.end) - self.start)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeTimeline:
    """One machine's phases from its launch until it is Ready."""

    name: str
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
        """Return the node's name, marked if a stand-in holds it."""
        return f"{self.name} (stand-in)" if self.stand_in else self.name

    @property
    def start(self) -> float | None:
        return self.spans[0].start if self.spans else None

    @property
    def end(self) -> float | None:
        """Return the time when the node became ready or failed; None before."""
        return (
            max((span.end for span in self.spans if span.end is not None), default=None)
            if self.settled
            else None
        )

    @property
    def settled(self) -> bool:
        return self.state in (State.READY, State.FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """All facts that the renderers need; times are Unix seconds."""

    stack: str
    region: str
    now: float
    nodes: tuple[NodeTimeline, ...]
    engine_spans: tuple[Span, ...] = ()

    @property
    def start(self) -> float:
        starts = [node.start for node in self.nodes if node.start is not None]
        return min([*starts, *(span.start for span in self.engine_spans)], default=self.now)

    @property
    def end(self) -> float:
        """Return the end of the last span if every machine is settled, otherwise now."""
        if not self.finished:
            return self.now
        ends = [node.end for node in self.nodes if node.end is not None]
        return max([*ends, *(span.end or self.now for span in self.engine_spans)], default=self.now)

    @property
    def ready(self) -> bool:
        return bool(self.nodes) and all(node.state is State.READY for node in self.nodes)

    @property
    def failed(self) -> bool:
        return any(node.state is State.FAILED for node in self.nodes)

    @property
    def finished(self) -> bool:
        return bool(self.nodes) and all(node.settled for node in self.nodes)

    @property
    def last(self) -> NodeTimeline | None:
        """Return the node that became ready or failed last."""
        return max((node for node in self.nodes if node.end), key=lambda node: node.end or 0, default=None)

    @property
    def longest(self) -> tuple[NodeTimeline, Span] | None:
        """Return the longest phase and its node."""
        pairs = [(node, span) for node in self.nodes for span in node.spans]
        return max(pairs, key=lambda pair: pair[1].seconds(self.now), default=None)


def build(
    *,
    stack: str,
    region: str,
    now: float,
    machines: Sequence[Machine],
    reports: Mapping[str, Report | None],
    engine_spans: Sequence[Span] = (),
) -> Timeline:
    """Build the timeline from the facts known at `now`."""
    newest = {machine.node: machine for machine in sorted(machines, key=lambda machine: machine.launched)}
    names = {**dict.fromkeys(reports), **newest}
    nodes = sorted(
        (_node_timeline(name, newest.get(name), reports.get(name)) for name in names), key=_reading_order
    )
    return Timeline(stack=stack, region=region, now=now, nodes=tuple(nodes), engine_spans=tuple(engine_spans))


def _reading_order(node: NodeTimeline) -> tuple[bool, str, str]:
    # Linux sorts before Windows. A node without an instance has no known system and sorts last.
    return node.name != CONTROL_PLANE, node.family or "~", node.name


def _node_timeline(name: str, machine: Machine | None, report: Report | None) -> NodeTimeline:
    if machine is None:
        return NodeTimeline(
            name=name, family="", os="", instance="", state=State.NOT_LAUNCHED, phase="", spans=(),
            detail="declared, no instance yet" if report is None else "its instance is gone",
        )  # fmt: skip
    current = own_report(machine, report)
    spans = _spans(machine, current)
    return NodeTimeline(
        name=name,
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
    """Return the boot (from launch to the first reported phase) and the reported phases."""
    phases = report.phases if report else ()
    first = phases[0].start if phases else None
    boot = (
        [Span(name=BOOT, start=machine.launched, end=first)]
        if first is None or first > machine.launched
        else []
    )
    failing = report.phase if report and report.is_failed else None
    return (*boot, *(Span(name=p.name, start=p.start, end=p.end, failed=p.name == failing) for p in phases))
