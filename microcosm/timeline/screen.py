"""Draw timelines as they arrive: in place on a terminal, one line per change in a log, and into a page."""

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.live import Live

from ..errors import OperatorError
from .html import page
from .model import Timeline
from .text import rich, show

PAGE_REFRESH_SECONDS = 3


def draw(timelines: Iterable[Timeline], console: Console, html: Path | None, quiet: bool) -> Timeline:
    """Draw each timeline and, at the end, the complete one; return the last. `quiet` writes only the page."""
    live = (
        Live(console=console, auto_refresh=False, transient=True)
        if console.is_terminal and not quiet
        else None
    )
    last: Timeline | None = None
    with live or nullcontext():
        for current in timelines:
            if live:
                live.update(rich(current, console.width), refresh=True)
            elif not quiet and last is not None:
                print(
                    "\n".join(changes(last, current)), end="\n" if changes(last, current) else "", flush=True
                )
            if html:
                _write(html, page(current, PAGE_REFRESH_SECONDS))
            last = current
    assert last is not None, "at least one timeline is drawn"
    if html:
        _write(html, page(last))
    if not quiet:
        show(last, console)
    return last


def changes(before: Timeline, after: Timeline) -> list[str]:
    """List the log lines: one for each machine whose state, phase or detail changed."""
    known = {node.name: (node.state, node.phase, node.detail) for node in before.nodes}
    return [
        f"{after.end - after.start:6.0f}s  {node.label}: "
        f"{node.phase or node.state.value} {node.detail}".rstrip()
        for node in after.nodes
        if known.get(node.name) != (node.state, node.phase, node.detail)
    ]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise OperatorError(f"the page cannot be written to {path}: {problem.strerror}") from problem
