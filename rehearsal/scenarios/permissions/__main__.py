"""`python -m rehearsal.scenarios.permissions`: try the pipeline's policy; `make permissions` calls it.

No root, nothing leaves the machine.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Lock
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rehearsal import build, processes
from rehearsal.build.progress import Lines
from rehearsal.errors import RehearsalError
from rehearsal.project import CHECKOUT
from rehearsal.scenarios.permissions import report
from rehearsal.scenarios.permissions.permission import Permission
from rehearsal.scenarios.permissions.pipeline import COMMANDS, running_pipeline
from rehearsal.scenarios.permissions.proven import Proven
from rehearsal.scenarios.permissions.trial import Trial, first_needs, prove, shares
from rehearsal.scenarios.recorded import commit

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
KEPT = CHECKOUT / "build" / "permissions"


@app.command()
def main(
    keep: Annotated[bool, typer.Option("--keep", help="Put the result into docs/guide/previews.md.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=4, help="How many worlds side by side.")] = 2,
) -> None:
    """Run every command of a preview with the pipeline's policy, then each time without one of its
    permissions.

    What is proven of a commit of main is kept in build/permissions: a trial that was broken off goes on from
    there.
    """
    programs = build.ensure_programs(Lines(console))
    console.print(
        "stand-ins: moto with this project's IAM, faked machines, provider plugin; real: engine, program, "
        "command"
    )
    with tempfile.TemporaryDirectory(prefix="microcosm-permissions-") as folder, ExitStack() as worlds:
        pipelines = [
            worlds.enter_context(running_pipeline(_new(folder, index), programs)) for index in range(at_once)
        ]
        needs = first_needs(pipelines[0])
        console.print(f"with all {len(needs)} permissions {', '.join(COMMANDS)} succeed")
        trials = [Trial(pipeline) for pipeline in pipelines]
        tried = commit()
        proven = Proven(None if tried.endswith("+") else KEPT / f"{tried}.jsonl")
        left = proven.left_of(needs)
        if len(left) < len(needs):
            console.print(f"{len(needs) - len(left)} of them were tried before, on the same commit")
        unproven = _prove(trials, left, proven)
    if unproven:
        raise RehearsalError(f"nothing fails without {', '.join(map(str, unproven))}")
    runs = proven.runs
    console.print(f"without any one of them its command fails: {len(needs)} of {len(needs)}, in {runs} runs")
    if keep:
        report.keep(needs, runs)


def _new(folder: str, index: int) -> Path:
    path = Path(folder) / str(index)
    path.mkdir()
    return path


def _prove(trials: Sequence[Trial], needs: Mapping[Permission, str], proven: Proven) -> list[Permission]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar, ThreadPoolExecutor(len(trials)) as pool:
        task = bar.add_task("", total=len(needs))
        ended, writing, before = Event(), Lock(), proven.runs

        def tell(permission: Permission, command: str, failed: bool) -> None:
            if ended.is_set():
                raise RehearsalError("broken off")
            bar.update(task, description=f"{command} without {permission.action}", advance=1)
            if failed:
                with writing:
                    proven.add(permission, sum(trial.runs for trial in trials) - (proven.runs - before))
            if not (failed and console.is_terminal):
                console.print(
                    f"{command} without {permission}: {'fails' if failed else 'DOES NOT FAIL'}",
                    soft_wrap=True,
                )

        try:
            unproven = pool.map(prove, trials, shares(needs, len(trials)), [tell] * len(trials))
            return [permission for each in unproven for permission in each]
        finally:
            ended.set()


if __name__ == "__main__":
    processes.end_on_sigterm()
    try:
        app()
    except (RehearsalError, build.SuppliesError) as error:
        Console(stderr=True).print(f"[red]error[/red]: {error}", soft_wrap=True)
        sys.exit(1)
