"""Repair a stack after a killed run or a lost answer of AWS: lock, pending operations, orphaned resources.

Every AWS object is tagged with its stack when it is created. An object with the tag that is not in the state
is orphaned: a run created it and could not record it. It was never in use, so it is deleted and the next run
creates it again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.config.naming import CONTROL_PLANE

from ..audit import cleanup, record
from ..audit import search as audit
from ..aws import machines as fleet
from ..aws import subresources as parts
from ..aws.resources import Item
from ..aws.session import Session
from ..aws.subresources import Subresource
from ..errors import OperatorError
from ..pulumi_cli.target import Target
from .context import Context
from .stack import LockOwner, StackLocked

MACHINE = "aws:ec2/instance:Instance"
# Part of the type of every Kubernetes object, which stands before the name in its URN.
KUBERNETES = "kubernetes:"
MACHINE_SUBRESOURCES = ("volume", "network interface")
# Decides whether to break a lock: the user's option, or an age that no run reaches.
MayBreak = Callable[[LockOwner], bool]


def if_forced(forced: bool) -> MayBreak:
    return lambda lock_owner: forced


def if_older(age: timedelta, context: Context) -> MayBreak:
    return lambda lock_owner: lock_owner.is_older(age, context.now())


def free_lock(context: Context, stack: str, may_break: MayBreak) -> None:
    """Break the lock if all its owners are dead, and log why; otherwise raise StackLocked."""
    lock_owners = context.stacks.lock_owners(stack)
    if living := [
        lock_owner for lock_owner in lock_owners if not (lock_owner.is_gone() or may_break(lock_owner))
    ]:
        raise StackLocked(stack, living, context.now())
    for lock_owner in lock_owners:
        why = (
            "its process has ended without releasing it"
            if lock_owner.is_gone()
            else "an option or its age allows it"
        )
        context.log(f"{stack}: breaking the lock of {lock_owner}: {why}")
    if lock_owners:
        context.stacks.cancel(stack)


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphans:
    """Resources with a stack's tag that are in no state, in a possible order of deletion."""

    resources: tuple[Item, ...] = ()
    subresources: tuple[Subresource, ...] = ()

    @property
    def rows(self) -> list[list[str]]:
        """Return kind, id and name of each."""
        named = [[item.kind, item.id, item.name if item.name != item.id else ""] for item in self.resources]
        return [*([each.kind, each.id, f"in {each.owner}"] for each in self.subresources), *named]

    def __bool__(self) -> bool:
        return bool(self.resources or self.subresources)


# Called before the first deletion; False keeps everything.
Agree = Callable[[Orphans], bool]


def repair(
    context: Context, target: Target, session: Session, refresh: bool = True, agree: Agree = bool
) -> Orphans:
    """Repair the state after an interrupted run and return the deleted resources. The lock must be free.

    refresh=False skips refreshing resources with pending operations; destroy deletes them anyway.
    """
    stack = target.stack
    pending = context.stacks.pending(stack)
    if pending:
        names = _names(each.urn for each in pending)
        context.log(f"{stack}: an earlier run was interrupted during {len(pending)} operations: {names}")
        context.stacks.forget_pending(stack)
    resources = context.stacks.resources(stack)
    found = find_orphans(context, target, session, resources)
    deleted = found if found and agree(found) else Orphans()
    delete(context, target, session, deleted)
    known = {resource["urn"] for resource in resources}
    changed = [
        operation.urn for operation in pending if operation.operation != "creating" and operation.urn in known
    ]
    if changed and refresh:
        refresh_reachable(context, target, session, changed)
    return deleted


def refresh_reachable(context: Context, target: Target, session: Session, urns: Sequence[str] = ()) -> None:
    """Refresh some resources, or all of them.

    Kubernetes objects are left out while a control plane lives: the API may not admit this address yet, and
    the next `up` applies them whatever they are. Once the control plane is gone, they are refreshed, and
    found deleted.
    """
    everything = [str(resource["urn"]) for resource in context.stacks.resources(target.stack)]
    objects = [urn for urn in everything if KUBERNETES in urn.rpartition("::")[0]]
    if any(machine.node == CONTROL_PLANE for machine in fleet.machines(session, target.stack)):
        if reachable := [urn for urn in urns or everything if urn not in objects]:
            context.stacks.refresh(target.stack, reachable)
    else:
        chosen = [*dict.fromkeys([*urns, *objects])] if urns else ()
        context.stacks.refresh(target.stack, chosen, cluster_gone=True)


def find_orphans(
    context: Context, target: Target, session: Session, resources: Iterable[Mapping[str, Any]]
) -> Orphans:
    """Return the resources with the stack's tag that are not in its state."""
    resources = [*resources]
    known = record.of_resources(resources).all_ids | {str(resource.get("id", "")) for resource in resources}
    found = audit.audit(session, audit.Scope(target=target), context.now().timestamp()).findings
    machines = {str(resource.get("id", "")) for resource in resources if resource["type"] == MACHINE}
    unknown = [
        finding
        for finding in found
        if finding.item.id not in known and not _belongs_to_one_of(machines, finding.item)
    ]
    return Orphans(
        resources=tuple(cleanup.deletable(unknown, target.stack)),
        subresources=tuple(parts.orphaned(session, target.stack, resources)),
    )


def _belongs_to_one_of(machines: set[str], item: Item) -> bool:
    """Return whether the item is a disk or interface of a known machine.

    The state of an interrupted run may hold the machine's id alone.
    """
    return item.kind in MACHINE_SUBRESOURCES and bool(item.belongs_to & machines)


def delete(context: Context, target: Target, session: Session, found: Orphans) -> None:
    """Delete orphaned resources; OperatorError if a deletion fails."""
    for each in found.subresources:
        parts.remove(session, each)
        context.log(f"{target.stack}: removed {each.kind} {each.id} from {each.owner}: it is in no state")
    if found.resources:
        named = ", ".join(f"{item.kind} {item.id}" for item in found.resources)
        context.log(f"{target.stack}: deleting {len(found.resources)} objects that are in no state: {named}")
    if refused := [deletion for deletion in cleanup.delete(session, found.resources) if deletion.error]:
        raise OperatorError(
            f"{target.stack}: {refused[0].item.kind} {refused[0].item.id} could not be deleted "
            f"({refused[0].error}); "
            f"see `microcosm audit --stack {target.stack}`"
        )


def _names(urns: Iterable[str]) -> str:
    return ", ".join(sorted({urn.rpartition("::")[2] for urn in urns}))
