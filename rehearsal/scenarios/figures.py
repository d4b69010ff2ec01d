"""Write the figures of a run into docs/evidence/benchmarks.md."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "evidence" / "benchmarks.md"
BEGIN, END = "<!-- rehearsal: begin -->", "<!-- rehearsal: end -->"
# Names of the two sections for many runs in a row.
QUIET, BUSY = "rehearsals", "rehearsals beside a busy core"


def machine() -> str:
    """Describe the size of this machine."""
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores, {memory} GiB, {system}, Python {platform.python_version()}"


def section(seconds: Mapping[str, float], ready_seconds: float, up_seconds: float) -> str:
    """Return the run as Markdown."""
    rows = [f"| {name} | {value:.1f} |" for name, value in seconds.items()]
    return "\n".join(
        [
            BEGIN,
            f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, tools built:",
            "",
            "| step | seconds |",
            "|---|---:|",
            *rows,
            f"| **all** | **{sum(seconds.values()):.1f}** |",
            f"| `up` until all nodes are Ready | {ready_seconds:.1f} |",
            f"| `pulumi up` alone: nodes Ready, DNS answers | {up_seconds:.1f} |",
            END,
        ]
    )


def keep(
    seconds: Mapping[str, float], ready_seconds: float, up_seconds: float, document: Path = DOCUMENT
) -> None:
    """Replace the figures of the previous run."""
    _replace(BEGIN, END, section(seconds, ready_seconds, up_seconds), document)


def keep_many(text: str, name: str, document: Path = DOCUMENT) -> None:
    """Replace the figures of many runs; `name` is QUIET or BUSY."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    heading = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, tools built:"
    _replace(begin, end, "\n".join([begin, heading, "", text, end]), document)


def _replace(begin: str, end: str, text: str, document: Path) -> None:
    before, rest = document.read_text().split(begin)
    document.write_text(before + text + rest.split(end)[1])
