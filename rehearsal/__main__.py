"""`python -m rehearsal`: run a scenario, open a shell against the fake cloud, or clean up.

`make rehearse` and friends call it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from . import build, processes
from .build.catalogue import ALL, OWN_IMAGE, STAND_IN, WINE
from .runs import LOGS, keep_logs, kubeconfig_of, linux_first, many, once, supplies
from .scenarios import checks, figures, repeat
from .scenarios import progress as shown
from .scenarios.late_dns import SCENARIOS as LATE_DNS
from .scenarios.life import SCENARIOS as CLUSTER_SCENARIOS
from .scenarios.machine_faults.scenario import SCENARIOS as FAULT_SCENARIOS
from .scenarios.own_image import SCENARIOS as OWN_IMAGE_SCENARIO
from .scenarios.previews import STEPS as PREVIEW_STEPS
from .scenarios.refresh import SCENARIOS as REFRESH
from .session import (
    STATE,
    RehearsalError,
    Session,
    close_session,
    kept_session,
    locked,
    open_session,
    require_root_on_linux,
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
            many(times, steps, supplies(kubernetes, parts), variant, figures_of)
        elif WINE in parts and build.is_missing(WINE, kubernetes=kubernetes):
            linux_first(variant, keep_figures=keep_figures)
        else:
            once(steps, supplies(kubernetes, parts), variant, keep=keep, keep_figures=keep_figures)


@app.command()
def shell() -> None:
    """A shell in which plain `pulumi preview|up|destroy` and `kubectl` work against the fake cloud."""
    require_root_on_linux()
    with locked():
        kept = kept_session(lambda kubernetes: supplies(kubernetes, {STAND_IN}))
        session = kept or open_session(supplies(DEFAULT.kubernetes, {STAND_IN}))
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
                keep_logs(session, LOGS)
                close_session()


def _run_shell(session: Session) -> None:
    # Ctrl-C belongs to what runs in the shell.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with kubeconfig_of(session):
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
