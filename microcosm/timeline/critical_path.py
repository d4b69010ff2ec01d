"""Find the critical path of a bring-up: the consecutive periods that the last machine waited for.

The path is read backwards from its end. A worker's join waits for the control plane to publish the join
parameters. A node becomes Ready when the pod network exists, which Pulumi declares. Every other phase waits
for the previous phase of the same machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.config.naming import CONTROL_PLANE
from infra.node.report import READY

from .model import NodeTimeline, Span, Timeline

PULUMI = "pulumi"
LAUNCH = "until launch"
# Names of phases (userdata/) and of Pulumi's components (microcosm:infra:...).
JOIN, PUBLISH, NETWORK_PART = "join", "publish", "Flannel"


@dataclass(frozen=True, slots=True)
class PathSegment:
    """The part of a phase that is on the critical path. Times are Unix seconds."""

    where: str
    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def critical_path(timeline: Timeline) -> tuple[PathSegment, ...]:
    """Return the path from the first resource or launch to the last machine's end.

    Adjacent segments share their border. The path is empty until every machine is ready.
    """
    if not timeline.ready or timeline.last is None:
        return ()
    return tuple(reversed([*_backwards(timeline, timeline.last)]))


def _backwards(timeline: Timeline, node: NodeTimeline) -> Iterator[PathSegment]:
    control_plane = next((each for each in timeline.nodes if each.name == CONTROL_PLANE), node)
    network = next(
        (span for span in timeline.engine_spans if span.name == NETWORK_PART and span.end is not None), None
    )
    published = next((span for span in control_plane.spans if span.name == PUBLISH), None)
    until = node.end or timeline.end
    while span := _last_before(node, until):
        waited = network if span.name == READY else published if span.name == JOIN else None
        came = _came(waited, span, until) if waited else None
        yield PathSegment(node.label, span.name, came or span.start, until)
        until = came or span.start
        if came:
            node = control_plane
        if came and waited is network and network:
            yield PathSegment(PULUMI, NETWORK_PART, network.start, until)
            until = network.start
    if until > timeline.start:
        yield PathSegment(PULUMI, LAUNCH, timeline.start, until)


def _last_before(node: NodeTimeline, until: float) -> Span | None:
    return next((span for span in reversed(node.spans) if span.start < until), None)


def _came(waited: Span, span: Span, until: float) -> float | None:
    """Return when `waited` was fulfilled, if that was after the wait began.

    A join may end before everything is published, because the join parameters are published first.
    """
    moments = (waited.end, waited.start)
    return next((moment for moment in moments if moment is not None and span.start < moment < until), None)
