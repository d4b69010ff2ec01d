"""(a): the program's `preview` and `up` against a program of the same number and kinds of bare resources: one engine, one fake cloud."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from infra.naming import CONTROL_PLANE, NODE_TAG

from . import bare
from .comparison import in_turn
from .document import beside
from .samples import Sample
from .settings import Settings
from .workbench import Stack, workbench

PROGRAM, BARE = "the program", "bare resources"


def run(settings: Settings) -> str:
    with workbench(machines=True) as bench:
        program = bench.program("program")
        settings.tell("recording")
        planned = program.planned()
        floor = bench.bare("bare", bare.record(planned))
        previews = in_turn({PROGRAM: program.preview, BARE: floor.preview}, settings.repeats, lambda what: settings.tell(f"preview: {what}"))
        floor = bench.bare("bare-up", unspoken(bare.record(recorded(program))))
        ups = in_turn({PROGRAM: lambda: _up(program), BARE: lambda: _up(floor)}, settings.repeats, lambda what: settings.tell(f"up: {what}"))
    return "\n".join([f"`preview`, {len(planned)} resources:", "", beside(*previews), "", "`up`, machines faked:", "", beside(*ups)])


def recorded(program: Stack) -> list[dict[str, Any]]:
    """What the engine keeps of the program once it is up; it is taken down again."""
    program.up()
    try:
        return program.kept()
    finally:
        program.destroy()


def unspoken(record: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The record with a control plane that no stand-in speaks for: bare resources do not wait for one to bring its API, it is there."""
    return [{**entry, "inputs": _untagged(entry["inputs"])} for entry in record]


def _untagged(inputs: dict[str, Any]) -> dict[str, Any]:
    tags = inputs.get("tags") or {}
    return {**inputs, "tags": {k: v for k, v in tags.items() if k != NODE_TAG}} if tags.get(NODE_TAG) == CONTROL_PLANE else inputs


def _up(stack: Stack) -> Sample:
    """An `up` from nothing; what it made is gone before the next run begins."""
    sample = stack.up()
    stack.destroy()
    return replace(sample, output="")
