"""Measure import and declaration, time and memory, beside importing the SDKs alone, in fresh interpreters."""

import json
import os
import sys
from dataclasses import replace

from .comparison import Series, in_turn
from .declaring import PROJECT
from .document import table
from .samples import Sample, measure
from .settings import Settings

GOAL_SECONDS = 0.3
# Names in the document, and the arguments of `bench.declaring`.
SUBJECTS = {
    "the program": "program",
    "the SDKs alone": "sdks",
    "the SDKs alone, garbage collector off": "sdks-uncollected",
}


def run(settings: Settings) -> str:
    series = in_turn(
        {name: lambda what=what: _fresh(what) for name, what in SUBJECTS.items()},
        settings.repeats,
        settings.log,
    )
    return report(*series)


def _fresh(what: str) -> Sample:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "0"}
    sample = measure([sys.executable, "-m", "bench.declaring", what], cwd=PROJECT, environment=environment)
    return replace(sample, peak=json.loads(sample.output)["peak"])


def report(program: Series, sdks: Series, uncollected: Series) -> str:
    rows = [
        [
            each.name,
            f"{each.least('cpu'):.2f}",
            f"{each.median('cpu'):.2f}",
            f"{each.least('wall'):.2f}",
            f"{each.median('peak'):.0f}",
        ]
        for each in (program, sdks, uncollected)
    ]
    over, over_uncollected = (program.least("cpu") - floor.least("cpu") for floor in (sdks, uncollected))
    return "\n".join(
        [
            table(
                [
                    f"{len(program.samples)} runs each, in turn",
                    "CPU s, least",
                    "median",
                    "wall s, least",
                    "peak MiB",
                ],
                rows,
            ),
            "",
            f"On top of the SDKs: **{over:+.2f} s** of CPU (goal: below {GOAL_SECONDS}), "
            f"{over_uncollected:+.2f} s when they too are imported "
            f"without the collector; memory {program.median('peak') / sdks.median('peak'):.2f} times theirs.",
        ]
    )
