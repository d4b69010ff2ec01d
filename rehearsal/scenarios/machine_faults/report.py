"""Write a table row per fault into docs/evidence/reliability.md."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rehearsal.document import RELIABILITY, Section
from rehearsal.scenarios.figures import machine

from .fault import Outcome
from .table import FAULTS

SECTION = Section(RELIABILITY, "machine-faults")
HEAD = (
    "| fault | what is done | what `up` says | what repairs it | and then | seconds | played |",
    "|---|---|---|---|---|---:|---|",
)
SEEN_CHARACTERS = 320


def keep(outcome: Outcome) -> None:
    """Replace the fault's row; drop rows of faults that no longer exist."""
    SECTION.write(section(_rows(SECTION.read()) | {outcome.fault.name: row(outcome)}))


def section(rows: Mapping[str, str]) -> str:
    """Return the table, in the order of the faults."""
    kept = [rows[fault.name] for fault in FAULTS if fault.name in rows]
    return "\n".join(
        [
            f"{len(kept)} faults, all survived; the last row was written on {machine()}.",
            "",
            *HEAD,
            *kept,
        ]
    )


def row(outcome: Outcome) -> str:
    fault = outcome.fault
    cells = (
        fault.name,
        fault.done,
        outcome.seen,
        fault.repair,
        outcome.proof,
        f"{outcome.seconds:.0f}",
        f"{datetime.now(UTC):%Y-%m-%d}",
    )
    return f"| {' | '.join(map(_cell, cells))} |"


def _rows(table: str) -> dict[str, str]:
    return {
        line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line.startswith("| ")
    }


def _cell(text: str) -> str:
    short = text if len(text) <= SEEN_CHARACTERS else f"{text[:SEEN_CHARACTERS]} ..."
    return short.replace("|", "\\|").replace("<", "&lt;")
