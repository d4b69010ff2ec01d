"""`python -m rehearsal.permissions`: try the pipeline's policy; `make permissions` calls it. No root, nothing leaves the machine."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rehearsal import supplies
from rehearsal.errors import RehearsalError
from rehearsal.permissions import report
from rehearsal.permissions.permission import Permission
from rehearsal.permissions.pipeline import COMMANDS, running_pipeline
from rehearsal.permissions.trial import Trial, first_needs, prove
from rehearsal.supplies.progress import Lines

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)


@app.command()
def main(keep: Annotated[bool, typer.Option("--keep", help="Put the result into docs/previews.md.")] = False) -> None:
    """Run every command of a preview with the pipeline's policy, then each time without one of its permissions."""
    programs = supplies.ensure(Lines(console)).bin
    with tempfile.TemporaryDirectory(prefix="microcosm-permissions-") as folder, running_pipeline(Path(folder), programs) as pipeline:
        console.print("stand-ins: moto with this project's IAM, faked machines, provider plugin; real: engine, program, command")
        needs = first_needs(pipeline)
        console.print(f"with all {len(needs)} permissions {', '.join(COMMANDS)} succeed")
        trial = Trial(pipeline)
        unproven = _prove(trial, needs)
    if unproven:
        raise RehearsalError(f"nothing fails without {', '.join(map(str, unproven))}")
    console.print(f"without any one of them its command fails: {len(needs)} of {len(needs)}, in {trial.runs} runs")
    if keep:
        report.keep(needs, trial.runs)


def _prove(trial: Trial, needs: dict[Permission, str]) -> list[Permission]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=len(needs))

        def tell(permission: Permission, command: str) -> None:
            bar.update(task, description=f"{command} without {permission.action}", advance=1)
            if not console.is_terminal:
                console.print(f"{command} without {permission}")

        return prove(trial, needs, tell)


if __name__ == "__main__":
    try:
        app()
    except (RehearsalError, supplies.SuppliesError) as error:
        Console(stderr=True).print(f"[red]error[/red]: {error}", soft_wrap=True)
        sys.exit(1)
