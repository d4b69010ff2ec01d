"""Open sessions for a run, play its steps, and keep its logs and figures."""

import os
import shutil
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from . import build, kubeconfig
from .build import later
from .build.catalogue import ALL, LINUX_ALONE
from .build.progress import Lines, Live
from .scenarios import figures, recorded, repeat
from .scenarios import progress as shown
from .scenarios.life import Run, Step, is_whole, play
from .scenarios.linux_first import LinuxFirst
from .session import (
    PROJECT,
    STACK,
    RehearsalError,
    Session,
    close_session,
    open_session,
    save_logs,
)
from .variant import DEFAULT, Variant

console = shown.console
LOGS = PROJECT / "build" / "rehearsal"
FAILED_LOGS = PROJECT / "build" / "rehearsals-failed"


def linux_first(variant: Variant, *, keep_figures: bool) -> None:
    """Play the life of a cluster on a machine that has yet to build:

    Linux at once, Windows when it is there.
    """
    began = time.monotonic()
    prepared = supplies(variant.kubernetes, LINUX_ALONE)
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
        once(order.steps, prepared, variant, keep=False, keep_figures=keep_figures)
    finally:
        rest.stop()


def once(
    steps: tuple[Step, ...], prepared: build.Supplies, variant: Variant, *, keep: bool, keep_figures: bool
) -> None:
    session = _open(prepared, variant)
    try:
        played = _play(steps, session)
    except BaseException as error:
        keep_logs(session, LOGS)
        close_session()
        if isinstance(error, KeyboardInterrupt):
            console.print("interrupted; everything was removed", style="yellow")
        raise
    keep_logs(session, LOGS)
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


def many(
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
            keep_logs(session, FAILED_LOGS / f"run-{number:02}")
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


def supplies(kubernetes: str, parts: Collection[str] = ALL) -> build.Supplies:
    """Build and install what is missing, and show the progress."""
    if console.is_terminal:
        with Live(console) as progress:
            made = build.ensure(progress, parts=parts, kubernetes=kubernetes)
    else:
        made = build.ensure(Lines(console), parts=parts, kubernetes=kubernetes)
    provider = "Pulumi's own" if made.official_provider else "a stand-in on Pulumi's own bridge"
    console.print(f"aws provider: {provider}")
    return made


def _play(steps: tuple[Step, ...], session: Session) -> Run:
    """Play the steps. What Pulumi prints goes to its log; on a terminal a spinner shows the last line."""
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
        with kubeconfig_of(session):
            play(steps, current, lambda step: shown.announce(step, status), shown.conclude)
    shown.table(current, time.monotonic() - start)
    return current


def kubeconfig_of(session: Session) -> AbstractContextManager[None]:
    return kubeconfig.followed(session.client("ssm"), STACK, session.kubeconfig)


def keep_logs(session: Session, folder: Path) -> None:
    save_logs(session, folder)
    console.print(f"logs of every machine are in {os.path.relpath(folder, Path.cwd())}", style="dim")
