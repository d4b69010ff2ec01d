"""Write the figures of a run into docs/evidence/benchmarks.md."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime

from rehearsal.document import BENCHMARKS, Section

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
            f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, tools built:",
            "",
            "| step | seconds |",
            "|---|---:|",
            *rows,
            f"| **all** | **{sum(seconds.values()):.1f}** |",
            f"| `up` until all nodes are Ready | {ready_seconds:.1f} |",
            f"| `pulumi up` alone: nodes Ready, DNS answers | {up_seconds:.1f} |",
        ]
    )


def keep(seconds: Mapping[str, float], ready_seconds: float, up_seconds: float) -> None:
    """Replace the figures of the previous run."""
    Section(BENCHMARKS, "rehearsal").write(section(seconds, ready_seconds, up_seconds))


def keep_many(text: str, name: str) -> None:
    """Replace the figures of many runs; `name` is QUIET or BUSY."""
    heading = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, tools built:"
    Section(BENCHMARKS, name).write(f"{heading}\n\n{text}")
