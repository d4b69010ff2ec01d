"""Define the settings of every measurement."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The number of runs of each subject, and the log of the progress."""

    repeats: int
    log: Callable[[str], None]
