"""Compare the program's `preview` and `up` with bare resources of the same kinds: one engine, one fake
cloud.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from infra.config.naming import CONTROL_PLANE, NODE_TAG

from . import bare, provider
from .comparison import in_turn
from .document import beside
from .samples import Sample
from .settings import Settings
from .workbench import Stack, workbench

PROGRAM, BARE = "the program", "bare resources"


def run(settings: Settings) -> str:
    with workbench(machines=True) as bench:
        program = bench.program("program")
        settings.log("starting the provider")
        starts = [provider.start(bench.programs / provider.NAME) for _ in range(settings.repeats)]
        settings.log("recording")
        planned = program.planned()
        floor = bench.bare("bare", bare.record(planned))
        subjects = {PROGRAM: program.preview, BARE: floor.preview}
        previews = in_turn(subjects, settings.repeats, lambda what: settings.log(f"preview: {what}"))
        with provider.watched(program.environment["PULUMI_HOME"]) as most:
            floor = bench.bare("bare-up", unspoken(bare.record(recorded(program))))
        subjects = {PROGRAM: lambda: _up(program), BARE: lambda: _up(floor)}
        ups = in_turn(subjects, settings.repeats, lambda what: settings.log(f"up: {what}"))
    heading = f"`preview`, {len(planned)} resources:"
    figures = [heading, beside(*previews), "`up`, machines simulated:", beside(*ups)]
    return "\n\n".join([*figures, provider.report(starts, most())])


def recorded(program: Stack) -> list[dict[str, Any]]:
    """Return the state of the program after `up`, and destroy it."""
    program.up()
    try:
        return program.kept()
    finally:
        program.destroy()


def unspoken(record: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the record without the control plane's node tag, so that no stand-in runs its API.

    Bare resources do not wait for the API.
    """
    return [{**entry, "inputs": _untagged(entry["inputs"])} for entry in record]


def _untagged(inputs: dict[str, Any]) -> dict[str, Any]:
    tags = inputs.get("tags") or {}
    return (
        {**inputs, "tags": {k: v for k, v in tags.items() if k != NODE_TAG}}
        if tags.get(NODE_TAG) == CONTROL_PLANE
        else inputs
    )


def _up(stack: Stack) -> Sample:
    """Measure an `up` from nothing, and destroy it before the next run."""
    sample = stack.up()
    stack.destroy()
    return replace(sample, output="")
