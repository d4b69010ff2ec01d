"""`python -m bench [names]`: measure, and write what was found into docs/benchmarks.md. `make bench` calls it."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from rehearsal.session import RehearsalError
from rehearsal.supplies import SuppliesError

from . import bringup, critical_path, document, engine, growth, scale, startup, user_data
from .samples import BenchError
from .settings import Settings

MEASUREMENTS: Mapping[str, Callable[[Settings], str]] = {
    "engine": engine.run,
    "bring-up": bringup.run,
    "growth": growth.run,
    "user-data": user_data.run,
    "startup": startup.run,
    "scale": scale.run,
    "critical-path": critical_path.run,
}
console = Console(highlight=False)


def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"which of {', '.join(MEASUREMENTS)}; all by default")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each subject, after one that is thrown away.")] = 5,
    keep: Annotated[bool, typer.Option(help="Put the figures into docs/benchmarks.md.")] = True,
) -> None:
    """Measure the program beside its floor. Example: python -m bench startup growth --repeats 3"""
    for name in names or MEASUREMENTS:
        if name not in MEASUREMENTS:
            raise typer.BadParameter(f"{name!r} is not a measurement; there are {', '.join(MEASUREMENTS)}")
    for name in names or MEASUREMENTS:
        with console.status(name) as status:
            text = MEASUREMENTS[name](Settings(repeats=repeats, tell=lambda what, name=name: status.update(f"{name}: [dim]{escape(what)}[/dim]")))
        console.print(f"[bold]{name}[/bold]")
        console.print(Markdown(text))
        if keep:
            document.keep(name, text)


def main() -> None:
    """Turns what a person can act on into one message and exit code 1."""
    try:
        typer.run(bench)
    except (BenchError, RehearsalError, SuppliesError) as error:
        Console(stderr=True).print(f"[red]error[/red]: {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
