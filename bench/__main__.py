"""`python -m bench [names]`: measure, and write the figures into docs/evidence/benchmarks.md."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.status import Status

from rehearsal import processes
from rehearsal.build import SuppliesError
from rehearsal.session import RehearsalError

from . import bringup, critical_path, document, engine, image_push, scale
from .samples import BenchError
from .settings import Settings

MEASUREMENTS: Mapping[str, Callable[[Settings], str]] = {
    "engine": engine.run,
    "bring-up": bringup.run,
    "image-push": image_push.run,
    "scale": scale.run,
    "critical-path": critical_path.run,
}
console = Console(highlight=False)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(MEASUREMENTS)}; all by default.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each subject after the warm-up.")] = 5,
    keep: Annotated[bool, typer.Option(help="Write the figures into docs/evidence/benchmarks.md.")] = True,
) -> None:
    """Measure the program beside its floor. Example: python -m bench engine scale --repeats 3"""
    for name in names or MEASUREMENTS:
        if name not in MEASUREMENTS:
            raise typer.BadParameter(f"{name!r} is not a measurement; there are {', '.join(MEASUREMENTS)}")
    for name in names or MEASUREMENTS:
        with console.status(name) as status:

            def log(text: str, name: str = name, status: Status = status) -> None:
                status.update(f"{name}: [dim]{escape(text)}[/dim]")

            text = MEASUREMENTS[name](Settings(repeats=repeats, log=log))
        console.print(f"[bold]{name}[/bold]")
        console.print(Markdown(text))
        if keep:
            document.keep(name, text)


def main() -> None:
    """Print errors that the user can act on as one message; exit code 1."""
    processes.end_on_sigterm()
    try:
        typer.run(bench)
    except (BenchError, RehearsalError, SuppliesError) as error:
        Console(stderr=True).print(f"[red]error[/red]: {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
