"""Write the trial of the pipeline's permissions into docs/guide/previews.md."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from rehearsal.document import PREVIEWS, Section
from rehearsal.scenarios.permissions.permission import Permission
from rehearsal.scenarios.permissions.pipeline import COMMANDS


def section(needs: Mapping[Permission, str], runs: int) -> str:
    """The trial as Markdown."""
    counts = Counter(needs.values())
    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}: with all {len(needs)} permissions every command succeeds; "
            f"without any one of them the",
            f"command beside it, or a later one, fails for want of it ({runs} runs).",
            "",
            "| command | permissions that it is the first to need |",
            "|---|---:|",
            *(f"| `{command}` | {counts[command]} |" for command in COMMANDS if counts[command]),
        ]
    )


def keep(needs: Mapping[Permission, str], runs: int) -> None:
    """Replace the trial of before."""
    Section(PREVIEWS, "permissions").write(section(needs, runs))
