"""What every measurement is given."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How often each subject is run, and who wants to know how far a measurement is."""

    repeats: int
    tell: Callable[[str], None]
