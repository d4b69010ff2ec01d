"""Many runs of one scenario: how many passed, at which step the others failed, and how far the times lie
apart.
"""

import statistics
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.table import Table

from .life import Run

UP_ALONE = "`pulumi up` alone: nodes Ready, DNS answers"
REASON_CHARACTERS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The outcome of one run. `step` and `reason` are empty when it passed."""

    number: int
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    step: str = ""
    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.step


def passed(number: int, run: Run) -> Attempt:
    """Keep the times of a run that passed."""
    alone = {UP_ALONE: run.up_seconds} if run.up_seconds else {}
    return Attempt(number=number, seconds={**run.seconds, "all": sum(run.seconds.values()), **alone})


def failed(number: int, error: Exception) -> Attempt:
    """Keep the step that failed, which `scenario.play` notes on the error, and the line that says why."""
    step = next(iter(getattr(error, "__notes__", ())), "opening the session")
    return Attempt(number=number, step=step, reason=reason(str(error) or repr(error)))


def reason(message: str) -> str:
    """Choose the line that tells most, a command's own `error:`; else all lines, since a command may print
    a table.
    """
    lines = [" ".join(line.split()) for line in message.splitlines() if line.strip()]
    best = next((line for line in lines if "error:" in line), " / ".join(lines))
    return best[:REASON_CHARACTERS]


def rate(attempts: Sequence[Attempt]) -> str:
    return f"{sum(attempt.passed for attempt in attempts)} of {len(attempts)} passed"


def spread(attempts: Sequence[Attempt]) -> list[tuple[str, float, float, float]]:
    """List least, median and most seconds of each step over the runs that passed."""
    good = [attempt.seconds for attempt in attempts if attempt.passed]
    names = dict.fromkeys(name for seconds in good for name in seconds)
    values = {name: [seconds[name] for seconds in good if name in seconds] for name in names}
    return [(name, min(each), statistics.median(each), max(each)) for name, each in values.items()]


def table(attempts: Sequence[Attempt]) -> Table:
    """Lay out the spread for the terminal."""
    made = Table(
        "step", "min", "median", "max", title=f"{rate(attempts)}; seconds of those", title_justify="left"
    )
    for name, least, middle, most in spread(attempts):
        made.add_row(name, f"{least:.1f}", f"{middle:.1f}", f"{most:.1f}")
    return made


def failures(attempts: Sequence[Attempt]) -> list[str]:
    """List the runs that failed, one line each."""
    return [f"run {each.number} failed at {each.step}: {each.reason}" for each in attempts if not each.passed]


def markdown(attempts: Sequence[Attempt]) -> str:
    """Lay out rate, failures and spread for the docs."""
    rows = [
        f"| {name} | {least:.1f} | {middle:.1f} | {most:.1f} |"
        for name, least, middle, most in spread(attempts)
    ]
    bad = [f"* {line}" for line in failures(attempts)]
    return "\n".join(
        [
            f"**{rate(attempts)}.**",
            *bad,
            "",
            "| step, seconds | min | median | max |",
            "|---|---:|---:|---:|",
            *rows,
        ]
    )


@contextmanager
def busy_core() -> Generator[int]:
    """Keep one core busy with a process, whose id is given, for as long as the block runs."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()
