"""`python -m rehearsal`: run a scenario, open a shell against the fake cloud, or clean up.

`make rehearse` and friends call it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from . import build, kubeconfig, processes
from .build import later
from .build.catalogue import ALL, LINUX_ALONE, OWN_IMAGE, STAND_IN, WINE
from .build.progress import Lines, Live
from .scenarios import checks, figures, recorded, repeat
from .scenarios import progress as shown
from .scenarios.late_dns import SCENARIOS as LATE_DNS
from .scenarios.life import SCENARIOS as CLUSTER_SCENARIOS
from .scenarios.life import Run, Step, is_whole, play
from .scenarios.linux_first import LinuxFirst
from .scenarios.machine_faults.scenario import SCENARIOS as FAULT_SCENARIOS
from .scenarios.own_image import SCENARIOS as OWN_IMAGE_SCENARIO
from .scenarios.previews import STEPS as PREVIEW_STEPS
from .scenarios.refresh import SCENARIOS as REFRESH
from .session import (
    PROJECT,
    STACK,
    STATE,
    RehearsalError,
    Session,
    close_session,
    kept_session,
    locked,
    open_session,
    require_root_on_linux,
    save_logs,
)
from .variant import DEFAULT, Variant
from .wine.errors import WineError

SCENARIOS = {
    **CLUSTER_SCENARIOS,
    **LATE_DNS,
    "previews": PREVIEW_STEPS,
    **REFRESH,
    **FAULT_SCENARIOS,
    **OWN_IMAGE_SCENARIO,
}
# The life of a cluster alone runs the Windows binaries; the others are content with the stand-in.
PARTS = {"life": ALL, "own-image": {STAND_IN, OWN_IMAGE}}

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = shown.console
LOGS = PROJECT / "build" / "rehearsal"
FAILED_LOGS = PROJECT / "build" / "rehearsals-failed"


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help=f"one of {', '.join(SCENARIOS)}")] = "life",
    keep: Annotated[
        bool, typer.Option(help="Leave the cluster up at the end, and print how to use it.")
    ] = False,
    keep_figures: Annotated[
        bool, typer.Option("--figures", help="Put the figures into docs/evidence/benchmarks.md.")
    ] = False,
    times: Annotated[
        int, typer.Option("--repeat", min=1, help="Play it so often, each time with a new cloud.")
    ] = 1,
    busy: Annotated[bool, typer.Option(help="Keep one core of this machine busy meanwhile.")] = False,
    region: Annotated[str, typer.Option(help="The region of the fake cloud.")] = DEFAULT.region,
    kubernetes: Annotated[
        str, typer.Option(help="A version that infra/config/versions.py has a row for.")
    ] = DEFAULT.kubernetes,
    backend: Annotated[str, typer.Option("--flannel-backend", help="vxlan or host-gw.")] = DEFAULT.backend,
) -> None:
    """Rehearse the life of a cluster for real, without AWS. Example: python -m rehearsal run bad-checksum"""
    if scenario not in SCENARIOS:
        raise typer.BadParameter(f"{scenario!r} is not a scenario; there are {', '.join(SCENARIOS)}")
    if keep and times > 1:
        raise typer.BadParameter("--keep and --repeat exclude each other: only one cluster can stay up")
    variant = Variant(kubernetes=kubernetes, backend=backend, region=region).checked()
    steps = SCENARIOS["until-up"] if keep else SCENARIOS[scenario]
    require_root_on_linux()
    with locked(), repeat.busy_core() if busy else nullcontext():
        parts = {STAND_IN} if keep else PARTS.get(scenario, {STAND_IN})
        if times > 1:
            figures_of = (figures.BUSY if busy else figures.QUIET) if keep_figures else ""
            _repeat(times, steps, _supplies(kubernetes, parts), variant, figures_of)
        elif WINE in parts and build.is_missing(WINE, kubernetes=kubernetes):
            _linux_first(variant, keep_figures=keep_figures)
        else:
            _once(steps, _supplies(kubernetes, parts), variant, keep=keep, keep_figures=keep_figures)


def _linux_first(variant: Variant, *, keep_figures: bool) -> None:
    """Play the life of a cluster on a machine that has yet to build:

    Linux at once, Windows when it is there.
    """
    began = time.monotonic()
    prepared = _supplies(variant.kubernetes, LINUX_ALONE)
    console.print(
        "the Windows binaries are built beside the first cluster; the Windows pool joins when they are there"
    )
    rest = later.Later(
        lambda line: console.print(line, style="dim", markup=False, soft_wrap=True),
        downloads=prepared.downloads,
        command=[*later.COMMAND, "--kubernetes", variant.kubernetes],
    )
    try:
        order = LinuxFirst(
            elapsed=lambda: time.monotonic() - began,
            cpu_seconds=prepared.cpu_seconds,
            rest=rest,
            complete=lambda: build.ensure(kubernetes=variant.kubernetes),
        )
        _once(order.steps, prepared, variant, keep=False, keep_figures=keep_figures)
    finally:
        rest.stop()


def _once(
    steps: tuple[Step, ...], prepared: build.Supplies, variant: Variant, *, keep: bool, keep_figures: bool
) -> None:
    session = _open(prepared, variant)
    try:
        played = _play(steps, session)
    except BaseException as error:
        _save_logs(session, LOGS)
        close_session()
        if isinstance(error, KeyboardInterrupt):
            console.print("interrupted; everything was removed", style="yellow")
        raise
    _save_logs(session, LOGS)
    for text in played.closing:
        console.print(text.rstrip(), markup=False, soft_wrap=True)
    if keep_figures and variant == DEFAULT:
        figures.keep(played.seconds, played.ready_seconds, played.up_seconds)
    if keep_figures and is_whole(steps):
        recorded.keep(variant, prepared.versions, sum(played.seconds.values()))
    if keep:
        shown.explain_kept(session)
    else:
        close_session()


def _repeat(
    times: int, steps: tuple[Step, ...], prepared: build.Supplies, variant: Variant, figures_of: str
) -> None:
    """Play the scenario many times, keep the logs of the runs that fail, and exit with 1 if any did."""
    shutil.rmtree(FAILED_LOGS, ignore_errors=True)
    attempts: list[repeat.Attempt] = []
    for number in range(1, times + 1):
        console.rule(f"run {number} of {times}", align="left")
        attempts.append(_attempt(number, steps, prepared, variant))
        console.print(f"so far: {repeat.rate(attempts)}")
        for line in repeat.failures(attempts):
            console.print(line, style="red", markup=False, soft_wrap=True)
    console.print(repeat.table(attempts))
    if figures_of:
        figures.keep_many(repeat.markdown(attempts), figures_of)
    if not all(attempt.passed for attempt in attempts):
        raise RehearsalError("\n".join([repeat.rate(attempts), *repeat.failures(attempts)]))


def _attempt(
    number: int, steps: tuple[Step, ...], prepared: build.Supplies, variant: Variant
) -> repeat.Attempt:
    session: Session | None = None
    try:
        session = _open(prepared, variant)
        return repeat.passed(number, _play(steps, session))
    except Exception as error:  # one run's failure, whatever it is, is a figure; the next run still begins
        if session:
            _save_logs(session, FAILED_LOGS / f"run-{number:02}")
        return repeat.failed(number, error)
    finally:
        close_session()


def _open(prepared: build.Supplies, variant: Variant) -> Session:
    start = time.monotonic()
    session = open_session(prepared, variant=variant)
    console.print(
        f"{variant}: fake cloud (moto, stand-in) {session.endpoint}, machine room up after "
        f"{time.monotonic() - start:.1f} s\n"
    )
    return session


def _supplies(kubernetes: str, parts: Collection[str] = ALL) -> build.Supplies:
    """Builds and installs what is missing, with its progress shown."""
    if console.is_terminal:
        with Live(console) as progress:
            made = build.ensure(progress, parts=parts, kubernetes=kubernetes)
    else:
        made = build.ensure(Lines(console), parts=parts, kubernetes=kubernetes)
    provider = "Pulumi's own" if made.official_provider else "a stand-in on Pulumi's own bridge"
    console.print(f"aws provider: {provider}")
    return made


def _play(steps: tuple[Step, ...], session: Session) -> Run:
    """Plays the steps. What Pulumi prints goes to its log; on a terminal a spinner shows the last line."""
    with console.status("") as status, (session.state / "logs" / "pulumi.log").open("a") as log:

        def tell(line: str) -> None:
            status.update(f"[dim]{escape(line.strip()[:120])}[/dim]")
            print(f"{datetime.now(UTC):%H:%M:%S.%f} {line}", file=log, flush=True)

        current = Run(
            session=session,
            say=lambda text: console.print(text, style="dim", markup=False, soft_wrap=True),
            tell=tell,
        )
        start = time.monotonic()
        with _kubeconfig(session):
            play(steps, current, lambda step: shown.announce(step, status), shown.conclude)
    shown.table(current, time.monotonic() - start)
    return current


def _kubeconfig(session: Session) -> AbstractContextManager[None]:
    return kubeconfig.followed(session.client("ssm"), STACK, session.kubeconfig)


@app.command()
def shell() -> None:
    """A shell in which plain `pulumi preview|up|destroy` and `kubectl` work against the fake cloud."""
    require_root_on_linux()
    with locked():
        kept = kept_session(lambda kubernetes: _supplies(kubernetes, {STAND_IN}))
        session = kept or open_session(_supplies(DEFAULT.kubernetes, {STAND_IN}))
        console.print(
            "Plain `pulumi preview`, `pulumi up`, `pulumi destroy` and `kubectl` work here, "
            f"against the fake cloud {session.endpoint} (a stand-in).\n"
            + (
                "The cluster of KEEP=1 stays when you leave.\n"
                if kept
                else "Everything is removed when you leave.\n"
            )
        )
        try:
            _run_shell(session)
        finally:
            if not kept:
                _save_logs(session, LOGS)
                close_session()


def _run_shell(session: Session) -> None:
    # Ctrl-C belongs to what runs in the shell.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _kubeconfig(session):
        subprocess.run(
            [os.environ.get("SHELL", "/bin/bash")],
            cwd=session.project,
            env=session.environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


@app.command()
def clean() -> None:
    """Remove what a kept or killed rehearsal left."""
    require_root_on_linux()
    with locked():
        running = close_session()
    console.print(f"ended {', '.join(running)}; " * bool(running) + f"{STATE} is gone")


def _save_logs(session: Session, folder: Path) -> None:
    save_logs(session, folder)
    console.print(f"logs of every machine are in {os.path.relpath(folder, Path.cwd())}", style="dim")


def main(program: Callable[[], None] = app) -> None:
    """Turns what a person can act on into one message and exit code 1."""
    processes.end_on_sigterm()
    try:
        program()
    except (RehearsalError, WineError, checks.CheckFailed, build.SuppliesError) as error:
        Console(stderr=True).print(f"[red]error[/red]: {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
