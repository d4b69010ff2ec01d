"""A fault, and the result of its run."""

from collections.abc import Callable
from dataclasses import dataclass

from .stage import Stage

HEALS = "heals by itself"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault.

    `act` injects it, observes it as a user does, repairs it and returns the line that the user sees.
    """

    name: str
    done: str
    repair: str
    act: Callable[[Stage], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of a fault. `seconds` cover the fault, its repair and the check."""

    fault: Fault
    seen: str
    proof: str
    seconds: float
