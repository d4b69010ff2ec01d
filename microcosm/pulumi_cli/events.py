"""Read Pulumi's engine events: how long the engine worked on each component of the stack.

Input: the output of `pulumi up --yes --json`, one JSON object per event (apitype.EngineEvent in pulumi/pulumi
v3.260.0, sdk/go/common/apitype/events.go). Timestamps are whole Unix seconds.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import UsageError
from ..timeline.model import Span

START, DONE, FAILED = "resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"
COMPONENT = "microcosm:infra:"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceEvent:
    """The start or end of the engine's work on one resource."""

    kind: str
    urn: str
    seconds: float
    same: bool


def read(path: Path) -> tuple[Span, ...]:
    """Read a file of engine events; return one span for each component of the stack."""
    try:
        return spans(
            event
            for event in _documents(path.read_text(encoding="utf-8"))
            for event in _resource_events(event)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
        raise UsageError(
            f"{path} does not contain Pulumi's engine events ({type(problem).__name__}: {problem}): name a "
            f"file with "
            "the output of `pulumi up --yes --json`"
        ) from problem


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Yield each JSON document of a text.

    Pulumi prints the preview as one document over many lines, and then one line per event.
    """
    decoder = json.JSONDecoder()
    position = _next(text, 0)
    while position < len(text):
        document, end = decoder.raw_decode(text, position)
        if not isinstance(document, dict):
            raise TypeError("a JSON object was expected")
        yield cast(dict[str, Any], document)
        position = _next(text, end)


def _next(text: str, position: int) -> int:
    """Return the first position from here on that is not white space."""
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _resource_events(event: dict[str, Any]) -> Iterator[ResourceEvent]:
    for kind in (START, DONE, FAILED):
        if kind in event:
            metadata = event[kind]["metadata"]
            yield ResourceEvent(
                kind=kind,
                urn=metadata["urn"],
                seconds=float(event["timestamp"]),
                same=metadata["op"] == "same",
            )


def spans(events: Iterable[ResourceEvent]) -> tuple[Span, ...]:
    """Return, per changed component, the time from its first start to its last end, in order of the
    starts.
    """
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    failed: set[str] = set()
    for event in events:
        component = component_of(event.urn)
        if event.same or component is None:
            continue
        begun[component] = min(begun.get(component, event.seconds), event.seconds)
        if event.kind != START:
            ended[component] = max(ended.get(component, event.seconds), event.seconds)
        if event.kind == FAILED:
            failed.add(component)
    found = [
        Span(name=component, start=start, end=ended.get(component), failed=component in failed)
        for component, start in begun.items()
    ]
    return tuple(sorted(found, key=lambda span: span.start))


def component_of(urn: str) -> str | None:
    """Return the innermost component of a resource, else its provider; None for the stack and providers.

    urn:pulumi:dev::microcosm::microcosm:infra:Cluster$microcosm:infra:Network$aws:ec2/vpc:Vpc::dev -> Network
    """
    types = urn.split("::")[2].split("$")
    own = types[-1]
    if own.startswith("pulumi:"):
        return None
    components = [name.removeprefix(COMPONENT) for name in types if name.startswith(COMPONENT)]
    # A component's own event ends when it is registered and not when its children are done, so only the
    # children count.
    if own.startswith(COMPONENT):
        return None
    return components[-1] if components else own.split(":")[0]
