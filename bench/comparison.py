"""Run subjects in turn and compare their series. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .samples import Sample


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one subject."""

    name: str
    samples: Sequence[Sample]

    def least(self, what: str) -> float:
        """Return the least value: the run with the least disturbance."""
        return min(self._values(what))

    def median(self, what: str) -> float:
        return median(self._values(what))

    def _values(self, what: str) -> list[float]:
        return [getattr(sample, what) for sample in self.samples]


def in_turn(
    subjects: Mapping[str, Callable[[], Sample]], repeats: int, log: Callable[[str], None]
) -> list[Series]:
    """Run the subjects A B C, A B C, ..., so that a disturbance affects all; drop the first round."""
    rounds: list[list[Sample]] = []
    for number in range(repeats + 1):
        rounds.append([])
        for name, run in subjects.items():
            log(f"{name}, {'warming up' if number == 0 else f'run {number} of {repeats}'}")
            rounds[-1].append(run())
    return [Series(name, runs) for name, runs in zip(subjects, zip(*rounds[1:], strict=True), strict=True)]
