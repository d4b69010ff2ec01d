"""Decide which machines have failed or are stuck in a phase, and say so."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.node.report import READY

from ..output import duration
from .model import BOOT, NodeTimeline, Span, State, Timeline

# Seconds after which a phase counts as stuck. The values are generous readings of reports about EC2 (a stock
# Windows AMI reaches its user-data after 3 to 8 minutes, 15 at worst; a worker's join waits for the control
# plane), so that a slow day is not reported as a fault.
USUAL_SECONDS: Mapping[str, Mapping[str, int]] = {
    "linux": {
        BOOT: 180, "prepare": 60, "download": 180, "containerd": 60, "init": 240, "join": 420, "publish": 60,
        READY: 120,
    },
    "windows": {
        BOOT: 900, "feature": 420, "reboot": 420, "download": 420, "containerd": 120, "prepare-node": 180,
        "join": 420,
        "flannel": 240, "kube-proxy": 120, READY: 240,
    },
}  # fmt: skip
USUAL_DEFAULT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """A machine that failed, or has stayed in one phase longer than usual."""

    node: str
    phase: str
    seconds: float
    usual: int
    failed: bool
    detail: str


def issues(timeline: Timeline) -> tuple[Issue, ...]:
    """List failures first, then stuck machines, the longest wait first."""
    found = [issue for node in timeline.nodes if (issue := _issue(node, timeline.now))]
    return tuple(sorted(found, key=lambda issue: (not issue.failed, -issue.seconds)))


def sentence(issue: Issue) -> str:
    """Describe a failed or stuck machine in one line: machine, phase, duration, detail."""
    verb, since = ("failed in", "after") if issue.failed else ("is stuck in", "for")
    usually = "" if issue.failed else f" (usually under {duration(issue.usual)})"
    said = f": {issue.detail}" if issue.detail else ""
    return f"{issue.node} {verb} {issue.phase} {since} {duration(issue.seconds)}{usually}{said}"


def usual_seconds(family: str, phase: str) -> int:
    """Return the duration after which a phase counts as stuck."""
    return USUAL_SECONDS.get(family, {}).get(phase, USUAL_DEFAULT)


def _issue(node: NodeTimeline, now: float) -> Issue | None:
    if node.state is not State.FAILED and node.state is not State.RUNNING:
        return None
    span = next((span for span in reversed(node.spans) if span.name == node.phase), None)
    failed = node.state is State.FAILED
    seconds, usual = _waiting(span, failed, now), usual_seconds(node.family, node.phase)
    if not failed and seconds <= usual:
        return None
    return Issue(
        node=node.label, phase=node.phase, seconds=seconds, usual=usual, failed=failed, detail=node.detail
    )


def _waiting(span: Span | None, failed: bool, now: float) -> float:
    """Return the seconds in the current phase, or since it ended if the next one has not begun."""
    if span is None:
        return 0.0
    return span.seconds(now) if failed or span.end is None else now - span.end
