"""Write figures into docs/evidence/benchmarks.md, each measurement between its own markers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rehearsal.document import BENCHMARKS, Section
from rehearsal.scenarios.figures import machine

from .comparison import Series


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render a Markdown table; the first column is text, the others are figures."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def beside(subject: Series, floor: Series) -> str:
    """Render subject, floor and ratio as a table: CPU and wall time, least and median."""
    rows = [
        [
            f"{name}, {how}",
            f"{value(subject, what):.2f}",
            f"{value(floor, what):.2f}",
            f"**{value(subject, what) / value(floor, what):.2f}**",
        ]
        for what, name in (("cpu", "CPU seconds"), ("wall", "wall seconds"))
        for how, value in (("least", Series.least), ("median", Series.median))
    ]
    return table([f"{len(subject.samples)} runs each, in turn", subject.name, floor.name, "ratio"], rows)


def keep(name: str, text: str) -> None:
    """Replace the figures of a measurement."""
    Section(BENCHMARKS, f"bench {name}").write(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}:\n\n{text}")
