"""Measure how a preview grows with the workers, beside the same number of bare resources."""

from collections.abc import Mapping

from . import bare
from .comparison import Line, Series, in_turn
from .document import table
from .settings import Settings
from .workbench import Stack, Workbench, workbench

WORKERS = (3, 10, 30, 100)
TOLERANCE = 0.10


def run(settings: Settings) -> str:
    with workbench() as bench:
        return report({workers: _measured(bench, workers, settings) for workers in WORKERS})


def _measured(bench: Workbench, workers: int, settings: Settings) -> tuple[int, Series, Series]:
    """Return the number of resources, and the runs of program and bare resources."""
    program = bench.program(f"workers-{workers}", linux=workers - workers // 2, windows=workers // 2)
    planned = program.planned()
    floor = bench.bare(f"bare-{workers}", bare.record(planned))
    subjects: Mapping[str, Stack] = {"the program": program, "bare resources": floor}
    previews = {name: stack.preview for name, stack in subjects.items()}
    runs = in_turn(previews, settings.repeats, lambda what: settings.log(f"{workers} workers: {what}"))
    return len(planned), runs[0], runs[1]


def report(measured: Mapping[int, tuple[int, Series, Series]]) -> str:
    rows = [
        [
            str(workers),
            str(resources),
            f"{program.least('cpu'):.2f}",
            f"{floor.least('cpu'):.2f}",
            f"{program.least('cpu') / floor.least('cpu'):.2f}",
            f"{program.least('wall'):.2f}",
            f"{floor.least('wall'):.2f}",
        ]
        for workers, (resources, program, floor) in measured.items()
    ]
    header = [
        "workers",
        "resources",
        "program, CPU s",
        "bare, CPU s",
        "ratio",
        "program, wall s",
        "bare, wall s",
    ]
    lines = [
        _line(name, {x: runs[index].least("cpu") for x, (_, *runs) in measured.items()})
        for index, name in enumerate(("program", "bare"))
    ]
    return "\n".join([table(header, rows), "", *lines])


def _line(name: str, points: Mapping[float, float]) -> str:
    line = Line.through(points)
    verdict = "linear" if (deviation := line.deviation(points)) <= TOLERANCE else "not linear"
    return (
        f"{name}: {line.base:.2f} s and {line.slope * 1000:.0f} ms a worker; the worst point lies "
        f"{deviation:.0%} from that line, "
        f"which is {verdict} within {TOLERANCE:.0%}.  "
    )
