"""`python -m rehearsal.build`: shows what is there, what it builds, sizes and times."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.config import versions as matrix
from rehearsal.build.catalogue import Catalogue, catalogue, chosen, make
from rehearsal.build.errors import SuppliesError
from rehearsal.build.progress import Lines, Live
from rehearsal.build.steps import Runner
from rehearsal.build.store import Store, default_home, key_of, remove_tree, size_of

_console = Console()


def main(
    clean: Annotated[
        bool,
        typer.Option(
            "--clean", help="Remove everything that was made, and make nothing. Not while a rehearsal runs."
        ),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Afterwards remove what the present pins do not ask for. Not while a rehearsal runs: it "
            "may use it.",
        ),
    ] = False,
    kubernetes: Annotated[
        str, typer.Option(help=f"One of {', '.join(matrix.KUBERNETES_VERSIONS)}.")
    ] = matrix.DEFAULT_KUBERNETES,
    key: Annotated[
        bool,
        typer.Option(
            "--key", help="Only print a key of the present pins: what is kept elsewhere is kept under it."
        ),
    ] = False,
) -> None:
    """Make what a rehearsal needs, and show it."""
    store = Store(default_home())
    if key:
        wanted, way = chosen(store, kubernetes)
        _console.print(
            f"{way.setting}-{key_of(*(step.entry.name for step in wanted.steps))}", highlight=False
        )
        return
    with store.locked():
        if clean:
            _remove(store, keep=())
            return
        runner, made = _make(store, kubernetes)
        if prune:
            _remove(
                store, keep=[made, *(catalogue(store, version) for version in matrix.KUBERNETES_VERSIONS)]
            )
    _show(runner, made)


def _make(store: Store, kubernetes: str) -> tuple[Runner, Catalogue]:
    if not _console.is_terminal:
        runner = Runner(store, Lines(_console))
        return runner, make(runner, kubernetes=kubernetes)
    with Live(_console) as progress:
        runner = Runner(store, progress)
        return runner, make(runner, kubernetes=kubernetes)


def _remove(store: Store, keep: Sequence[Catalogue]) -> None:
    """Remove what is not to be kept, and the downloads: what was made of them has them by links."""
    stale = store.stale([step.entry for each in keep for step in each.steps])
    for path in [*stale, *([store.downloads] if store.downloads.exists() else [])]:
        _console.print(f"removing {path}", highlight=False, soft_wrap=True)
        remove_tree(path)


def _show(runner: Runner, made: Catalogue) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("supply")
    table.add_column("MiB", justify="right")
    table.add_column("made in", justify="right")
    table.add_column("CPU", justify="right")
    table.add_column("kept at", overflow="fold")
    for step in made.steps:
        took = [_seconds(costs.get(step.name)) for costs in (runner.seconds, runner.cpu_seconds)]
        table.add_row(step.name, f"{size_of(step.entry) / 2**20:.0f}", *took, step.entry.name)
    _console.print(table)
    _console.print(f"in {runner.store.home / 'supplies'}", highlight=False, soft_wrap=True)


def _seconds(value: float | None) -> str:
    return f"{value:.1f} s" if value is not None else "-"


def run() -> None:
    try:
        typer.run(main)
    except SuppliesError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
