"""`python -m rehearsal`: run a scenario, open a shell against the fake cloud, or clean up. `make rehearse` and friends call it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from . import checks, figures, supplies
from .machine_faults.scenario import SCENARIOS as FAULT_SCENARIOS
from .previews import STEPS as PREVIEW_STEPS
from .scenario import SCENARIOS as CLUSTER_SCENARIOS
from .scenario import Run, Step, play
from .session import PROJECT, STATE, RehearsalError, Session, close_session, kept_session, locked, open_session, require_root_on_linux
from .supplies.progress import Lines, Live
from .wine.errors import WineError

SCENARIOS = {**CLUSTER_SCENARIOS, "previews": PREVIEW_STEPS, **FAULT_SCENARIOS}

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False)
LOGS = PROJECT / "build" / "rehearsal"


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help=f"one of {', '.join(SCENARIOS)}")] = "life",
    keep: Annotated[bool, typer.Option(help="Leave the cluster up at the end, and print how to use it.")] = False,
    keep_figures: Annotated[bool, typer.Option("--figures", help="Put the run's figures into docs/benchmarks.md.")] = False,
) -> None:
    """Rehearse the life of a cluster for real, without AWS. Example: python -m rehearsal run bad-checksum"""
    if scenario not in SCENARIOS:
        raise typer.BadParameter(f"{scenario!r} is not a scenario; there are {', '.join(SCENARIOS)}")
    steps = SCENARIOS["until-up"] if keep else SCENARIOS[scenario]
    require_root_on_linux()
    with locked():
        prepared = _supplies()
        start = time.monotonic()
        session = open_session(prepared)
        console.print(f"fake cloud (moto, stand-in) {session.endpoint}, machine room up after {time.monotonic() - start:.1f} s\n")
        try:
            played = _play(steps, session)
        except BaseException as error:
            _save_logs(session)
            close_session()
            if isinstance(error, KeyboardInterrupt):
                console.print("interrupted; everything was removed", style="yellow")
            raise
        _save_logs(session)
        for text in played.closing:
            console.print(text.rstrip(), markup=False, soft_wrap=True)
        if keep_figures:
            figures.keep(played.seconds, played.ready_seconds)
        if keep:
            _explain_kept(session)
        else:
            close_session()


def _supplies() -> supplies.Supplies:
    """Builds and installs what is missing, with its progress shown."""
    if not console.is_terminal:
        return supplies.ensure(Lines(console))
    with Live(console) as progress:
        return supplies.ensure(progress)


def _play(steps: tuple[Step, ...], session: Session) -> Run:
    """Plays the steps; on a terminal a spinner says what the machines report meanwhile."""
    with console.status("") as status:
        shown = Run(
            session=session,
            say=lambda text: console.print(text, style="dim", markup=False, soft_wrap=True),
            tell=lambda line: status.update(f"[dim]{escape(line.strip()[:120])}[/dim]"),
        )
        start = time.monotonic()
        play(steps, shown, lambda step: _announce(step, status), _conclude)
    _print_table(shown, time.monotonic() - start)
    return shown


def _announce(step: Step, status: Status) -> None:
    console.print(f"[bold]{step.name}[/bold] [dim]{step.does} ...[/dim]")
    status.update(f"[dim]{step.does}[/dim]")


def _conclude(step: Step, seconds: float, text: str) -> None:
    console.print(f"  [green]ok[/green] {seconds:6.1f} s  ", end="")
    console.print(text, markup=False, soft_wrap=True)


def _print_table(current: Run, total: float) -> None:
    table = Table("step", "seconds", title="Rehearsal", title_justify="left")
    for name, seconds in current.seconds.items():
        table.add_row(name, f"{seconds:.1f}")
    table.add_section()
    table.add_row("all", f"{total:.1f}")
    if current.ready_seconds:
        table.add_row("of which up until all nodes Ready", f"{current.ready_seconds:.0f}")
    console.print(table)
    console.print(f"on {figures.machine()}")


def _explain_kept(session: Session) -> None:
    page = session.output("pulumi", "stack", "output", "pageUrl").strip()
    console.print(
        f"\nThe cluster is up.\n  kubeconfig  {session.kubeconfig}\n  page        {page}\n  shell       make shell\n  end         make clean"
    )


@app.command()
def shell() -> None:
    """A shell in which plain `pulumi preview|up|destroy` and `kubectl` work against the fake cloud."""
    require_root_on_linux()
    with locked():
        prepared = _supplies()
        kept = kept_session(prepared)
        session = kept or open_session(prepared)
        console.print(
            "Plain `pulumi preview`, `pulumi up`, `pulumi destroy` and `kubectl` work here, "
            f"against the fake cloud {session.endpoint} (a stand-in).\n"
            + ("The cluster of KEEP=1 stays when you leave.\n" if kept else "Everything is removed when you leave.\n")
        )
        try:
            # Ctrl-C belongs to what runs in the shell.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            subprocess.run([os.environ.get("SHELL", "/bin/bash")], cwd=session.project, env=session.environment, preexec_fn=_default_sigint)
        finally:
            if not kept:
                _save_logs(session)
                close_session()


def _default_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@app.command()
def clean() -> None:
    """Remove what a kept or killed rehearsal left."""
    require_root_on_linux()
    with locked():
        running = close_session()
    console.print(f"ended {', '.join(running)}; " * bool(running) + f"{STATE} is gone")


def _save_logs(session: Session) -> None:
    """Keeps the logs of the parts and of every machine where the next run will not remove them."""
    shutil.rmtree(LOGS, ignore_errors=True)
    # A machine's /var/log links into folders that went with it.
    shutil.copytree(session.state / "logs", LOGS, ignore_dangling_symlinks=True)
    for path in session.state.glob("machines/*/console.log"):
        shutil.copy(path, LOGS / f"{path.parent.name}.console.log")
    console.print(f"logs of every machine are in {os.path.relpath(LOGS, Path.cwd())}", style="dim")


def main(program: Callable[[], None] = app) -> None:
    """Turns what a person can act on into one message and exit code 1."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        program()
    except (RehearsalError, WineError, checks.CheckFailed, supplies.SuppliesError) as error:
        Console(stderr=True).print(f"[red]error[/red]: {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
