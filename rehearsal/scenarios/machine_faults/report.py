"""Write a table row per fault into docs/evidence/reliability.md."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.scenarios.figures import machine

from .fault import Outcome
from .table import FAULTS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "evidence" / "reliability.md"
BEGIN, END = "<!-- machine-faults: begin -->", "<!-- machine-faults: end -->"
HEAD = (
    "| fault | what is done | what `up` says | what repairs it | and then | seconds | played |",
    "|---|---|---|---|---|---:|---|",
)
SEEN_CHARACTERS = 320


def keep(outcome: Outcome, document: Path = DOCUMENT) -> None:
    """Replace the fault's row; drop rows of faults that no longer exist."""
    before, rest = document.read_text().split(BEGIN)
    old, after = rest.split(END)
    rows = _rows(old) | {outcome.fault.name: row(outcome)}
    document.write_text(f"{before}{section(rows)}{after}")


def section(rows: Mapping[str, str]) -> str:
    """Return the table, in the order of the faults."""
    kept = [rows[fault.name] for fault in FAULTS if fault.name in rows]
    return "\n".join(
        [
            BEGIN,
            f"{len(kept)} faults, all survived; the last row was written on {machine()}.",
            "",
            *HEAD,
            *kept,
            END,
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
