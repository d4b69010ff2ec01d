"""Draws timelines as they come: in place on a terminal, as a line for each change in a log, and into a page."""

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.live import Live

from .errors import OperatorError
from .timeline import Timeline
from .timeline_html import page
from .timeline_text import rich, show

PAGE_REFRESH_SECONDS = 3


def draw(looks: Iterable[Timeline], console: Console, html: Path | None, quiet: bool) -> Timeline:
    """Draw every look and at last the whole; returns the last. Quiet draws only the page."""
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal and not quiet else None
    last: Timeline | None = None
    with live or nullcontext():
        for current in looks:
            if live:
                live.update(rich(current, console.width), refresh=True)
            elif not quiet and last is not None:
                print("\n".join(changes(last, current)), end="\n" if changes(last, current) else "", flush=True)
            if html:
                _write(html, page(current, PAGE_REFRESH_SECONDS))
            last = current
    assert last is not None, "there is at least one look"
    if html:
        _write(html, page(last))
    if not quiet:
        show(last, console)
    return last


def changes(before: Timeline, after: Timeline) -> list[str]:
    """What a log is told: a line for each machine that has moved on."""
    known = {lane.node: (lane.state, lane.phase, lane.detail) for lane in before.lanes}
    return [
        f"{after.end - after.start:6.0f}s  {lane.label}: {lane.phase or lane.state.value} {lane.detail}".rstrip()
        for lane in after.lanes
        if known.get(lane.node) != (lane.state, lane.phase, lane.detail)
    ]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise OperatorError(f"the page cannot be written to {path}: {problem.strerror}") from problem
