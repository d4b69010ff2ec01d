"""A rule, its severity and its findings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from .objects import Document

Subject = TypeVar("Subject")


class Severity(StrEnum):
    """An error is refused, never runs, or runs without something that it relies on.

    A warning runs; know this first.
    """

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule(Generic[Subject]):
    """A rule on pods or Services: the check yields a sentence for each place where the subject breaks it."""

    id: str
    severity: Severity
    what: str
    why: str
    page: str
    fix: str
    check: Callable[[Subject], Iterable[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A rule broken at one place.

    Source, document and line say where the object was read; one that was not has source ''.
    """

    rule: str
    severity: Severity
    kind: str
    namespace: str
    name: str
    source: str
    document: int
    line: int
    what: str
    why: str
    page: str
    fix: str

    @property
    def object(self) -> str:
        """The object as a person names it."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}: " if self.source else ""
        return f"{place}{self.object}: {self.what} [{self.rule}]. {self.why} Fix: {self.fix} See {self.page}"


def finding(rule: Rule[Subject], document: Document, what: str) -> Finding:
    """A rule's words on one document."""
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        kind=document.kind,
        namespace=document.namespace,
        name=document.name,
        source=document.source,
        document=document.index,
        line=document.line,
        what=f"{document.where}: {what}" if document.where else what,
        why=rule.why,
        page=rule.page,
        fix=rule.fix,
    )
