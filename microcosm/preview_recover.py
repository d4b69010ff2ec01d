"""What a run that was killed has left, and its repair: the lock, half-done operations, and objects that no state knows.

Every AWS object of a stack is tagged when it is made, so what carries the stack's tag and is not in the state was made by
a run that could not write it down. It is deleted and made anew: nothing of it was ever in use.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from infra.naming import STACK_TAG

from . import audit, cleanup, record
from .aws import Session, pages, stack_filter
from .errors import OperatorError
from .preview_stack import Holder, StackLocked
from .preview_world import World
from .record import Record
from .target import Target

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


def repair(world: World, target: Target, session: Session, look: bool = True) -> None:
    """Make the state of a stack true again after a run that was killed. The lock must be free.

    Without `look` what was being changed or deleted is not looked at: a destroy deletes it whatever it is.
    """
    stack = target.stack
    pending = world.stacks.pending(stack)
    if not pending:
        return
    world.say(f"{stack}: an earlier run was cut off in the middle of {len(pending)} operations: {_names(operation.urn for operation in pending)}")
    world.stacks.forget_pending(stack)
    resources = world.stacks.resources(stack)
    delete_unknown(world, target, session, record.of_resources(resources), {resource.get("id", "") for resource in resources})
    known = {resource["urn"] for resource in resources}
    changed = [operation.urn for operation in pending if operation.operation != "creating" and operation.urn in known]
    if changed and look:
        world.stacks.refresh(stack, changed)


def delete_unknown(world: World, target: Target, session: Session, known: Record, ids: Iterable[str] = ()) -> None:
    """Delete what carries the stack's tag and is not among what is known."""
    _revoke_unknown_rules(world, target.stack, session, frozenset(ids))
    found = audit.audit(session, audit.Scope(target=target), world.now().timestamp()).findings
    unknown = [finding for finding in found if finding.item.id not in known.all_ids | frozenset(ids)]
    items = cleanup.deletable(unknown, target.stack)
    if items:
        world.say(f"{target.stack}: deleting {len(items)} objects that no state knows: {', '.join(f'{item.kind} {item.id}' for item in items)}")
    if refused := [deletion for deletion in cleanup.delete(session, items) if deletion.error]:
        raise OperatorError(
            f"{target.stack}: {refused[0].item.kind} {refused[0].item.id} could not be deleted ({refused[0].error}); "
            f"see `microcosm audit --stack {target.stack}`"
        )


def _revoke_unknown_rules(world: World, stack: str, session: Session, known: frozenset[str]) -> None:
    """A rule that exists cannot be made a second time; an audit does not list rules, since they end with their group."""
    ec2 = session.client("ec2")
    rules = [
        rule
        for rule in pages(ec2, "describe_security_group_rules", "SecurityGroupRules", Filters=stack_filter(STACK_TAG, stack))
        if rule["SecurityGroupRuleId"] not in known
    ]
    for rule in rules:
        revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
        revoke(GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    if rules:
        world.say(f"{stack}: revoked {len(rules)} rules of security groups that no state knows")


def _names(urns: Iterable[str]) -> str:
    return ", ".join(sorted({urn.rpartition("::")[2] for urn in urns}))
