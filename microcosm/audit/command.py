"""The audit as a command: what it remembers from one run to the next, and the deletion that may follow it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..aws.session import Session
from ..output import aligned, note
from ..pulumi_cli.target import Target
from . import cleanup, record
from . import search as audit
from .search import Audit, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Where ids are remembered, and what is remembered there and in a Pulumi state."""

    path: Path
    record: record.Record | None

    def scope(self, target: Target, vpcs: Iterable[str]) -> Scope:
        return Scope(target=target, record=self.record, vpcs=frozenset(vpcs))

    def keep(self, result: Audit) -> None:
        """Grow the record by what was found; close it when nothing was."""
        known = self.record or record.Record()
        if result.clean:
            if self.record and self.record.closed is None:
                record.save(self.path, known.closed_at(result.at))
        elif seen := audit.record_of(result):
            record.save(self.path, known.merged(seen))


def remembered(target: Target, path: Path | None, state: Path | None) -> Memory:
    """The memory of this stack: its record file, and a Pulumi state if one is given."""
    place = path or record.default_path(target)
    kept = record.load(place)
    if state:
        kept = (kept or record.Record()).merged(record.from_pulumi_state(state))
    return Memory(path=place, record=kept)


def purge(
    session: Session,
    result: Audit,
    confirm: Callable[[str], bool],
    patience_seconds: float = cleanup.PATIENCE_SECONDS,
) -> bool:
    """Delete what carries the stack's tag once a person has seen it and agreed; say what became of each.

    False when there was nothing to delete or nobody agreed, so that nothing has changed.
    """
    stack = result.scope.target.stack
    items = cleanup.deletable(result.findings, stack)
    kept = len(result.findings) - len(items)
    if not items:
        note(f"nothing here carries the tag of stack {stack}: nothing was deleted")
        return False
    note(
        aligned(
            [
                ["TO DELETE", "ID", "NAME"],
                *([item.kind, item.id, item.name if item.name != item.id else ""] for item in items),
            ]
        )
    )
    if kept:
        note(f"{kept} more stay: they do not carry the stack's tag, so deleting them is yours to decide")
    if not confirm(f"Delete these {len(items)} resources of stack {stack}, account {result.account}?"):
        note("nothing was deleted")
        return False
    for deletion in cleanup.delete(session, items, patience_seconds):
        fate = f"NOT deleted: {deletion.error}" if deletion.error else "deleted"
        note(f"{deletion.item.kind} {deletion.item.id} {fate}")
    return True
