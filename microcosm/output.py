"""How results reach a terminal, a log or another program: a table with colours, aligned text, or JSON."""

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
    """The command's whole result as one JSON document on standard output."""
    print(json.dumps(document, indent=2, sort_keys=True))


def print_line(text: str) -> None:
    """A line of result, whatever it contains (rich would read brackets as markup)."""
    print(text)


def note(text: str) -> None:
    """A line for the person, not for a program that reads standard output."""
    print(text, file=sys.stderr)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], console: Console | None = None) -> None:
    """Rows with colours on a terminal, otherwise aligned plain text that no width cuts."""
    console = console or Console()
    if not console.is_terminal:
        print(aligned([columns, *rows]))
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console.print(table)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def duration(seconds: float) -> str:
    """A length of time as a person says it: 42s, 1m 42s, 2h 05m."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
