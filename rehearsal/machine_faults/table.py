"""One fault as a row of the table, and what a run saw of it."""

from collections.abc import Callable
from dataclasses import dataclass

from .stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """`act` does it, looks at it as a user does, repairs it, and returns the line that the user saw."""

    name: str
    done: str
    repair: str
    act: Callable[[Stage], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a fault. `seconds` are those of the fault, its repair and the proof."""

    fault: Fault
    seen: str
    proof: str
    seconds: float
