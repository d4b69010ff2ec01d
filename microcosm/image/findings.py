"""Findings about a service: a level, a name to ignore it by, a sentence, and the way out.

No value of a setting is in any.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """*refused* cannot work in the container, *warned* may fail there, *told* is a fact to know."""

    REFUSED = "refused"
    WARNED = "warned"
    TOLD = "told"


ORDER = [Level.REFUSED, Level.WARNED, Level.TOLD]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding at a place: `where` is a file, a setting's name or a table of an MSI."""

    level: Level
    name: str
    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def refused(name: str, where: str, what: str, fix: str) -> Finding:
    return Finding(Level.REFUSED, name, where, what, fix)


def warned(name: str, where: str, what: str, fix: str) -> Finding:
    return Finding(Level.WARNED, name, where, what, fix)


def told(name: str, where: str, what: str, fix: str = "") -> Finding:
    return Finding(Level.TOLD, name, where, what, fix)


def settled(found: Iterable[Finding], ignored: Collection[str]) -> list[Finding]:
    """Order findings by level, each once. A refusal that the user ignores becomes a warning and says so."""
    once = dict.fromkeys(_ignored(one) if one.name in ignored else one for one in found)
    return sorted(once, key=lambda one: (ORDER.index(one.level), one.name))


def _ignored(found: Finding) -> Finding:
    if found.level is not Level.REFUSED:
        return replace(found, level=Level.TOLD)
    return replace(found, level=Level.WARNED, what=f"{found.what} (ignored)")
