"""The subjects of an audit: one object of the account, and a kind of object with the way to list it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.config.naming import STACK_TAG, Names

from .prices import FREE
from .session import Session

BUCKET = "S3 bucket"


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One object in the account."""

    kind: str
    id: str
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    # Ids of what this object is a part of: its VPC, the instance it is attached to, the volume it was taken
    # from.
    belongs_to: frozenset[str] = frozenset()
    state: str = ""
    zone: str = ""
    created: float | None = None
    sku: str = FREE
    units: float = 1.0
    # The stack's tag came to it later, by the machine that it was attached to or by the snapshot that it was
    # made of.
    inherits_tag: bool = False

    def has_tag_of(self, stack: str) -> bool:
        """Whether the stack made it, and tagged it so."""
        return self.tags.get(STACK_TAG) == stack and not self.inherits_tag

    def was_born_as(self, stack: str) -> bool:
        """A bucket that carries no tag at all and has the name that only this stack's bucket has: it was
        made, and never tagged.
        """
        return self.kind == BUCKET and not self.tags and Names(stack=stack).is_scripts_bucket(self.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of object: how it is listed, and where that looks."""

    name: str
    where: str
    list: Callable[[Session, str], Iterator[Item]]


def ids(*candidates: Any) -> frozenset[str]:
    """Return the ids that AWS gave, as texts."""
    return frozenset(str(candidate) for candidate in candidates if candidate)
