"""`python -m rehearsal.scenarios.aws_faults`: the sweep over AWS calls that fail.

`make faults-aws` calls it.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rehearsal import build, processes
from rehearsal.build.progress import Lines
from rehearsal.errors import RehearsalError
from rehearsal.project import CHECKOUT
from rehearsal.scenarios.aws_faults import report, series
from rehearsal.scenarios.aws_faults.play import Result
from rehearsal.scenarios.aws_faults.series import Series
from rehearsal.scenarios.aws_faults.sweep import Sweep

RESULTS = CHECKOUT / "build" / "aws-faults"
console = Console(highlight=False)


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Series to run; by default all.", show_default=False)
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Each lasting fault alone in its run: hours instead of minutes.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also run the series that have a result already.")
    ] = False,
    at_once: Annotated[
        int,
        typer.Option(
            min=1, max=4, help="How many worlds work side by side; as many again for series that mostly wait."
        ),
    ] = 2,
    keep: Annotated[
        bool, typer.Option("--figures", help="Put the results into docs/evidence/reliability.md.")
    ] = False,
) -> None:
    """Fail every AWS call of `up` and of `destroy`, and show that both go on afterwards and leave nothing.

    Each series' result is kept in build/aws-faults as soon as it is there; a sweep that was broken off goes
    on where it was.

    Example: python -m rehearsal.scenarios.aws_faults lost-reply-once --again
    """
    wanted = _chosen(series.of(full), names or [])
    todo = [each for each in wanted if again or not _path(each).exists()]
    RESULTS.mkdir(parents=True, exist_ok=True)
    programs = build.ensure_programs(Lines(console))
    try:
        _play(todo, programs, at_once, f"{len(wanted)} series, {len(wanted) - len(todo)} of them before")
    except KeyboardInterrupt:
        console.print("broken off; the next `make faults-aws` goes on from here", style="yellow")
    results = [Result.of(json.loads(_path(each).read_text())) for each in wanted if _path(each).exists()]
    console.print(report.section(results, len(wanted), full), markup=False, soft_wrap=True)
    if keep:
        report.keep(results, len(wanted), full)
    raise typer.Exit(0 if len(results) == len(wanted) and all(result.survived for result in results) else 1)


def _chosen(known: Sequence[Series], names: Sequence[str]) -> list[Series]:
    by_name = {each.name: each for each in known}
    if unknown := [name for name in names if name not in by_name]:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(by_name)}")
    return [by_name[name] for name in names or by_name]


def _play(todo: Sequence[Series], programs: Path, at_once: int, title: str) -> None:
    """On a terminal each series that is under way says how far it is; elsewhere each says when it is
    through.
    """
    with (
        Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
        ) as progress,
        tempfile.TemporaryDirectory(prefix="microcosm-faults-") as folder,
    ):
        whole = progress.add_task(title, total=len(todo))
        tasks = {each.name: progress.add_task(each.name, total=1, visible=False) for each in todo}

        def tell(name: str, text: str) -> None:
            progress.update(tasks[name], description=f"{name}: {text}", visible=True)

        def done(each: Series, result: Result | None, log: str) -> None:
            _path(each).with_suffix(".log").write_text(log)
            progress.update(tasks[each.name], visible=False)
            if result:
                _path(each).write_text(json.dumps(result.document(), indent=2) + "\n")
                progress.advance(whole)
                console.print(
                    f"{each.name}: {'survived' if result.survived else 'NOT survived'}, "
                    f"{result.seconds:.0f} s"
                )

        Sweep(folder=Path(folder), programs=programs, tell=tell, done=done).play(todo, at_once)


def _path(each: Series) -> Path:
    return RESULTS / f"{each.name}.json"


def run() -> None:
    """Turns what a person can act on into one message and exit code 1."""
    processes.end_on_sigterm()
    try:
        typer.run(main)
    except (RehearsalError, build.SuppliesError) as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
