"""Print results: a coloured table on a terminal, aligned text in a log, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

STYLES = {
    **dict.fromkeys(("pass", "PASS", "ready"), "green"),
    **dict.fromkeys(("fail", "FAIL", "failed"), "bold red"),
    **dict.fromkeys(("not run", "WARN"), "yellow"),
    "running": "cyan",
}


def print_json(document: Any) -> None:
    """Print the result as one JSON document on standard output."""
    print(json.dumps(document, indent=2, sort_keys=True))


def print_line(text: str) -> None:
    """Print a line of the result without markup; rich would interpret brackets."""
    print(text)


def note(text: str) -> None:
    """Print a line on standard error, so that programs do not read it as a part of the result."""
    print(text, file=sys.stderr)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], console: Console | None = None
) -> None:
    """Print a coloured table on a terminal, otherwise aligned plain text of any width."""
    console = console or Console()
    if not console.is_terminal:
        print(aligned([columns, *rows]))
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console.print(table)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Pad columns to their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def duration(seconds: float) -> str:
    """Format a duration: 42s, 1m 42s, 2h 05m."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
