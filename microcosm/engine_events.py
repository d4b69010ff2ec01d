"""Pulumi's own event times: how long the engine spent on each part of the stack.

Reads the engine events that `pulumi up --yes --json` prints, one JSON object a line (apitype.EngineEvent in pulumi/pulumi
v3.260.0, sdk/go/common/apitype/events.go): timestamps are whole Unix seconds.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from .errors import UsageError
from .timeline import Span

START, DONE, FAILED = "resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"
COMPONENT = "microcosm:infra:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The begin or end of the engine's work on one resource."""

    kind: str
    urn: str
    seconds: float
    same: bool


def read(path: Path) -> tuple[Span, ...]:
    """The spans of a file of engine events, one for each part of the stack."""
    try:
        return spans(step for event in _documents(path.read_text(encoding="utf-8")) for step in _steps(event))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
        raise UsageError(
            f"{path} does not hold Pulumi's engine events ({type(problem).__name__}: {problem}): it must be what `pulumi up --yes --json` printed"
        ) from problem


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON document of a text: Pulumi prints one an event, after the preview's own over many lines."""
    decoder = json.JSONDecoder()
    position = _next(text, 0)
    while position < len(text):
        document, end = decoder.raw_decode(text, position)
        if not isinstance(document, dict):
            raise TypeError("a JSON object was expected")
        yield cast(dict[str, Any], document)
        position = _next(text, end)


def _next(text: str, position: int) -> int:
    """The first position from here on that is not white space."""
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _steps(event: dict[str, Any]) -> Iterator[Step]:
    for kind in (START, DONE, FAILED):
        if kind in event:
            metadata = event[kind]["metadata"]
            yield Step(kind=kind, urn=metadata["urn"], seconds=float(event["timestamp"]), same=metadata["op"] == "same")


def spans(steps: Iterable[Step]) -> tuple[Span, ...]:
    """From the first begin to the last end of each part that had anything to do, in order of their begin."""
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    failed: set[str] = set()
    for step in steps:
        part = part_of(step.urn)
        if step.same or part is None:
            continue
        begun[part] = min(begun.get(part, step.seconds), step.seconds)
        if step.kind != START:
            ended[part] = max(ended.get(part, step.seconds), step.seconds)
        if step.kind == FAILED:
            failed.add(part)
    found = [Span(name=part, start=start, end=ended.get(part), failed=part in failed) for part, start in begun.items()]
    return tuple(sorted(found, key=lambda span: span.start))


def part_of(urn: str) -> str | None:
    """The innermost component a resource belongs to, else its provider's name; None for the stack and providers.

    urn:pulumi:dev::microcosm::microcosm:infra:Cluster$microcosm:infra:Network$aws:ec2/vpc:Vpc::dev -> Network
    """
    types = urn.split("::")[2].split("$")
    own = types[-1]
    if own.startswith("pulumi:"):
        return None
    components = [name.removeprefix(COMPONENT) for name in types if name.startswith(COMPONENT)]
    # A component ends when Pulumi has registered it, not when its children are done: only its children are timed.
    if own.startswith(COMPONENT):
        return None
    return components[-1] if components else own.split(":")[0]
