"""What a run that was killed, or that never heard AWS's answer, has left, and its repair: the lock, half-done operations, strays.

Every AWS object of a stack is tagged when it is made, so what carries the stack's tag and is not in the state was made by
a run that could not write it down: a stray. It is deleted and made anew: nothing of it was ever in use.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from . import audit, cleanup, parts, record
from .aws import Session
from .errors import OperatorError
from .items import Item
from .parts import Part
from .preview_stack import Holder, StackLocked
from .preview_world import World
from .target import Target

MACHINE = "aws:ec2/instance:Instance"
PARTS_OF_A_MACHINE = ("volume", "network interface")
# What breaks a lock: a person who says so, or an age that no run reaches. Never the lock alone.
MayBreak = Callable[[Holder], bool]


def when_told(told: bool) -> MayBreak:
    return lambda holder: told


def when_older(age: timedelta, world: World) -> MayBreak:
    return lambda holder: holder.is_older(age, world.now())


def free_lock(world: World, stack: str, may_break: MayBreak) -> None:
    """StackLocked unless nobody holds the lock, or every holder is known to be dead; says what it breaks and why."""
    holders = world.stacks.holders(stack)
    if living := [holder for holder in holders if not (holder.is_gone() or may_break(holder))]:
        raise StackLocked(stack, living, world.now())
    for holder in holders:
        why = "its process has ended without giving it back" if holder.is_gone() else "taken for dead, as told"
        world.say(f"{stack}: breaking the lock of {holder}: {why}")
    if holders:
        world.stacks.cancel(stack)


@dataclass(frozen=True, kw_only=True, slots=True)
class Strays:
    """What carries a stack's tag and is in no state, in the order in which it can be deleted."""

    items: tuple[Item, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> list[list[str]]:
        """Kind, id and name of each."""
        named = [[item.kind, item.id, item.name if item.name != item.id else ""] for item in self.items]
        return [*([part.kind, part.id, f"in {part.owner}"] for part in self.parts), *named]

    def __bool__(self) -> bool:
        return bool(self.items or self.parts)


# Asked before anything is deleted.
Agree = Callable[[Strays], bool]


def repair(world: World, target: Target, session: Session, look: bool = True, agree: Agree = bool) -> Strays:
    """Make the state of a stack true again after a run that was cut off. The lock must be free. Returns what was deleted.

    Without `look` what was being changed or deleted is not looked at: a destroy deletes it whatever it is.
    """
    stack = target.stack
    pending = world.stacks.pending(stack)
    if pending:
        world.say(f"{stack}: an earlier run was cut off in the middle of {len(pending)} operations: {_names(each.urn for each in pending)}")
        world.stacks.forget_pending(stack)
    resources = world.stacks.resources(stack)
    found = strays(world, target, session, resources)
    deleted = found if found and agree(found) else Strays()
    delete(world, target, session, deleted)
    known = {resource["urn"] for resource in resources}
    changed = [operation.urn for operation in pending if operation.operation != "creating" and operation.urn in known]
    if changed and look:
        world.stacks.refresh(stack, changed)
    return deleted


def strays(world: World, target: Target, session: Session, resources: Iterable[Mapping[str, Any]]) -> Strays:
    """What carries the stack's tag and is not among the resources of its state."""
    resources = [*resources]
    known = record.of_resources(resources).all_ids | {str(resource.get("id", "")) for resource in resources}
    found = audit.audit(session, audit.Scope(target=target), world.now().timestamp()).findings
    machines = {str(resource.get("id", "")) for resource in resources if resource["type"] == MACHINE}
    unknown = [finding for finding in found if finding.item.id not in known and not _goes_with(machines, finding.item)]
    return Strays(
        items=tuple(cleanup.deletable(unknown, target.stack)),
        parts=tuple(parts.unknown(session, target.stack, resources)),
    )


def _goes_with(machines: set[str], item: Item) -> bool:
    """Whether it is a part of one of these machines; a state that was cut off holds the machine's id and nothing more of it."""
    return item.kind in PARTS_OF_A_MACHINE and bool(item.belongs_to & machines)


def delete(world: World, target: Target, session: Session, found: Strays) -> None:
    """Delete strays; OperatorError when one refuses to go."""
    for part in found.parts:
        parts.take_out(session, part)
        world.say(f"{target.stack}: took {part.kind} {part.id} out of {part.owner}: no state knows it")
    if found.items:
        named = ", ".join(f"{item.kind} {item.id}" for item in found.items)
        world.say(f"{target.stack}: deleting {len(found.items)} objects that no state knows: {named}")
    if refused := [deletion for deletion in cleanup.delete(session, found.items) if deletion.error]:
        raise OperatorError(
            f"{target.stack}: {refused[0].item.kind} {refused[0].item.id} could not be deleted ({refused[0].error}); "
            f"see `microcosm audit --stack {target.stack}`"
        )


def _names(urns: Iterable[str]) -> str:
    return ", ".join(sorted({urn.rpartition("::")[2] for urn in urns}))
