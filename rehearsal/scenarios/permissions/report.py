"""What docs/guide/previews.md says of the pipeline's permissions: written by the run that tried them."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.project import CHECKOUT
from rehearsal.scenarios.permissions.permission import Permission
from rehearsal.scenarios.permissions.pipeline import COMMANDS

DOCUMENT = CHECKOUT / "docs" / "guide" / "previews.md"
BEGIN, END = "<!-- permissions: begin -->", "<!-- permissions: end -->"


def section(needs: Mapping[Permission, str], runs: int) -> str:
    """The trial as Markdown."""
    counts = Counter(needs.values())
    return "\n".join(
        [
            BEGIN,
            f"{datetime.now(UTC):%Y-%m-%d}: with all {len(needs)} permissions every command succeeds; "
            f"without any one of them the",
            f"command beside it, or a later one, fails for want of it ({runs} runs).",
            "",
            "| command | permissions that it is the first to need |",
            "|---|---:|",
            *(f"| `{command}` | {counts[command]} |" for command in COMMANDS if counts[command]),
            END,
        ]
    )


def keep(needs: Mapping[Permission, str], runs: int, document: Path = DOCUMENT) -> None:
    """Puts the trial in the place of the one before it."""
    before, rest = document.read_text().split(BEGIN)
    document.write_text(before + section(needs, runs) + rest.split(END)[1])
