"""How a service and its findings are shown: lines for people, one document for programs."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from .findings import Finding, Level
from .recognise import installed
from .rules_code import is_32
from .subject import Subject

STYLES = {Level.REFUSED: "bold red", Level.WARNED: "yellow", Level.TOLD: "dim"}


def facts(subject: Subject) -> dict[str, Any]:
    """Return what was recognised."""
    program = installed(subject.place, subject.program) if subject.program else None
    targets = sorted({one.target for one in subject.own if one.target})
    return {
        "form": subject.source.form,
        "kind": str(subject.kind),
        "folder": installed(subject.place, ""),
        "program": program,
        "files": len(subject.source.tree),
        "bytes": subject.source.tree.size,
        "base": subject.base.reference,
        "windows": subject.base.release,
        "framework": targets[-1] if targets else None,
        "bits": 32 if is_32(subject) else 64,
    }


def document(recognised: dict[str, Any], found: Sequence[Finding]) -> dict[str, Any]:
    counts = {str(level): sum(one.level is level for one in found) for level in Level}
    return {"service": recognised, "findings": [one.as_json() for one in found], **counts}


def show(
    name: str, recognised: dict[str, Any], found: Sequence[Finding], console: Console | None = None
) -> None:
    """Print the service, then its findings by level, worst first."""
    console = console or Console()
    about = (
        f"{recognised['kind']}, {recognised['files']} files, {_size(recognised['bytes'])}, base "
        f"{recognised['base']}"
    )
    _print(console, Text.assemble((name, "bold"), f": {about}"))
    _list(console, found)


def _list(console: Console, found: Sequence[Finding]) -> None:
    for level, of_level in groupby(found, key=lambda one: one.level):
        for one in of_level:
            fix = f"; {one.fix}" if one.fix else ""
            _print(
                console, Text.assemble("  ", (f"{level:<7}", STYLES[level]), f"  {one}{fix}  [{one.name}]")
            )
    counts = [f"{sum(one.level is level for one in found)} {level}" for level in Level]
    _print(console, Text(", ".join(counts)))


def show_image(
    name: str,
    recognised: dict[str, Any],
    facts: dict[str, Any] | None,
    found: Sequence[Finding],
    console: Console | None = None,
) -> None:
    """Print an image, then its findings."""
    console = console or Console()
    kind = f"{facts['kind']}, " if facts else ""
    _print(
        console,
        Text.assemble(
            (name, "bold"), f": {kind}{', '.join(recognised['builds'])}, {_size(recognised['bytes'])} packed"
        ),
    )
    _list(console, found)


def _print(console: Console, text: Text) -> None:
    """One line, whatever the width: it is to be searched and copied."""
    console.print(text, soft_wrap=True, highlight=False)


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.1f} kB"
