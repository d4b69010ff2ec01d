"""Replace the part of a document that a run writes: the lines between two marks."""

from dataclasses import dataclass
from pathlib import Path

from .errors import RehearsalError
from .project import CHECKOUT

BENCHMARKS = CHECKOUT / "docs" / "evidence" / "benchmarks.md"
RELIABILITY = CHECKOUT / "docs" / "evidence" / "reliability.md"
PREVIEWS = CHECKOUT / "docs" / "guide" / "previews.md"


@dataclass(frozen=True)
class Section:
    """A part of a document. Its marks are comments with its name."""

    document: Path
    name: str

    def read(self) -> str:
        """Return the text between the marks."""
        return self._parts()[1].strip("\n")

    def write(self, text: str) -> None:
        """Replace the text between the marks, and nothing else."""
        before, _, after = self._parts()
        self.document.write_text(f"{before}\n{text}\n{after}")

    def _parts(self) -> tuple[str, str, str]:
        begin, end = (f"<!-- {self.name}: {edge} -->" for edge in ("begin", "end"))
        before, begins, rest = self.document.read_text().partition(begin)
        inside, ends, after = rest.partition(end)
        if not (begins and ends):
            raise RehearsalError(
                f"{self.document} has no place for {self.name}: put the lines {begin} and {end} where it "
                "belongs"
            )
        return before + begin, inside, end + after
