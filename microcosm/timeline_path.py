"""The critical path of a bring-up: the stretches of time one after the other, on whichever machine, that the last one to arrive waited for.

Read backwards from its end. A worker's join waits for the control plane to publish how to join; a node is Ready when the pod network is
there, which Pulumi declares; everything else waits for what the same machine did before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.naming import CONTROL_PLANE

from .timeline import READY, Lane, Span, Timeline

PULUMI = "pulumi"
LAUNCH = "until launch"
# Names of phases (userdata/) and of Pulumi's parts (microcosm:infra:…).
JOIN, PUBLISH, NETWORK_PART = "join", "publish", "Flannel"


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of the path: the part of a phase that somebody waited for. Times are Unix seconds."""

    where: str
    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def critical_path(timeline: Timeline) -> tuple[Leg, ...]:
    """From the first resource or launch to the last machine's end, without a gap; empty as long as not every machine is ready."""
    if not timeline.ready or timeline.last is None:
        return ()
    return tuple(reversed([*_backwards(timeline, timeline.last)]))


def _backwards(timeline: Timeline, lane: Lane) -> Iterator[Leg]:
    control_plane = next((each for each in timeline.lanes if each.node == CONTROL_PLANE), lane)
    network = next((span for span in timeline.declared if span.name == NETWORK_PART and span.end is not None), None)
    published = next((span for span in control_plane.spans if span.name == PUBLISH), None)
    until = lane.end or timeline.end
    while span := _last_before(lane, until):
        waited = network if span.name == READY else published if span.name == JOIN else None
        came = _came(waited, span, until) if waited else None
        yield Leg(lane.label, span.name, came or span.start, until)
        until = came or span.start
        if came:
            lane = control_plane
        if came and waited is network and network:
            yield Leg(PULUMI, NETWORK_PART, network.start, until)
            until = network.start
    if until > timeline.start:
        yield Leg(PULUMI, LAUNCH, timeline.start, until)


def _last_before(lane: Lane, until: float) -> Span | None:
    return next((span for span in reversed(lane.spans) if span.start < until), None)


def _came(waited: Span, span: Span, until: float) -> float | None:
    """When what was waited for came, if it came after the wait began. A join may end before all is published: what it needs is published first."""
    moments = (waited.end, waited.start)
    return next((moment for moment in moments if moment is not None and span.start < moment < until), None)
