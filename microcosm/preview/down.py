"""`microcosm preview down` and `reap`: destroy previews and report every object that is left."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..audit import record
from ..audit import search as audit
from ..audit.record import Record
from ..aws.resources import Item
from ..aws.session import Session
from ..errors import OperatorError
from ..kubeconfig import command as kubeconfig_command
from ..output import duration
from ..pulumi_cli.target import Target
from . import model as preview
from . import recover as preview_recover
from .context import Context
from .model import Preview
from .recover import MayBreak
from .stack import StackGone, StackLocked
from .up import existing

PARALLEL = 4
# No `up` or `destroy` takes so long, so the owner of an older lock is dead.
STALE_AFTER = timedelta(hours=3)
# Poll for two minutes in total.
POLLS, POLL_SECONDS = 13, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result for one preview: destroyed, busy (another run changes it) or failed, and the reason."""

    stack: str
    result: str
    why: str
    seconds: float = 0.0


def down(context: Context, pr: int, region: str | None, may_break: MayBreak) -> str:
    """Destroy a preview, check that nothing of it is left, and remove its stack. Returns its region."""
    stack = preview.stack_name(pr)
    known = existing(context, stack)
    region = region or known.region or _region_of_state(context, stack)
    target, session = Target(stack=stack, region=region), context.session_of(stack, region)
    session.client("sts").get_caller_identity()
    preview_recover.free_lock(context, stack, may_break)
    # Orphaned resources of an earlier run would block the deletion of the others.
    preview_recover.repair(context, target, session, refresh=False)
    audit_record = record.of_resources(context.stacks.resources(stack))
    with context.watch("destroy", stack, session) as on_event:
        context.stacks.destroy(stack, on_event)
    # If AWS's answer to a deletion was lost, the object may still exist.
    preview_recover.repair(context, target, session, refresh=False)
    _refuse_leftovers(context, target, session, audit_record)
    context.stacks.remove(stack)
    kubeconfig_command.remove(target, None, quiet=True)
    return region


def _region_of_state(context: Context, stack: str) -> str:
    """Read the region from the state's AWS provider, for a preview whose tags are incomplete."""
    for resource in context.stacks.resources(stack):
        if resource["type"] == "pulumi:providers:aws" and (
            region := resource.get("inputs", {}).get("region")
        ):
            return str(region)
    raise OperatorError(f"the region of {stack} is unknown: name it with --region")


def _refuse_leftovers(context: Context, target: Target, session: Session, audit_record: Record) -> None:
    """Raise OperatorError if an object of the stack is left, or if a check was refused."""
    scope = audit.Scope(target=target, record=audit_record)
    result = _poll(lambda: audit.audit(session, scope, context.now().timestamp()), context)
    left = _left(result)
    if left:
        names = ", ".join(f"{item.kind} {item.id}" for item in left[:5])
        raise OperatorError(
            f"{target.stack} is destroyed, but {len(left)} objects are left ({names}): see `microcosm audit "
            f"--stack "
            f"{target.stack} --region {target.region}`, which can delete them; then run this again"
        )
    if refused := [check for check in result.checks if check.refused]:
        raise OperatorError(
            f"{target.stack} is destroyed, but a check for leftovers was refused: {refused[0].where}: "
            f"{refused[0].refused}"
        )


def _poll(audit_once: Callable[[], audit.Audit], context: Context) -> audit.Audit:
    """Audit until nothing is left, at most POLLS times.

    AWS lists parameters, disks and interfaces for a while after their deletion.
    """
    result = audit_once()
    for _ in range(POLLS - 1):
        if not _left(result):
            break
        context.sleep(POLL_SECONDS)
        result = audit_once()
    return result


def _left(result: audit.Audit) -> list[Item]:
    return [finding.item for finding in result.findings if not finding.suspect]


def due(
    previews: Sequence[Preview], now: datetime, open_prs: frozenset[int] | None
) -> list[tuple[Preview, str]]:
    """List the previews to destroy, with the reason. Without `open_prs` only the expiry counts."""
    found: list[tuple[Preview, str]] = []
    for each in previews:
        if each.expires and each.expires <= now:
            found.append((each, f"expired {duration((now - each.expires).total_seconds())} ago"))
        elif open_prs is not None and each.pr not in open_prs:
            found.append((each, f"pull request {each.pr} is not open"))
    return found


def reap(
    context: Context, open_prs: frozenset[int] | None, stale_after: timedelta, dry_run: bool = False
) -> list[Outcome]:
    """Destroy every due preview, several at once; a failure does not stop the others."""
    previews, broken = all_previews(context)
    going = due(previews, context.now(), open_prs)
    leaving = {each.stack for each, _ in going}
    unending = [each for each in previews if each.expires is None and each.stack not in leaving]
    why = "it has no expiry: take it down, or run its `up` again"
    outcomes = [*broken, *(Outcome(stack=each.stack, result="failed", why=why) for each in unending)]
    if dry_run:
        return outcomes + [Outcome(stack=each.stack, result="due", why=why) for each, why in going]
    may_break = preview_recover.if_older(stale_after, context)
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        outcomes += pool.map(lambda entry: _reap_one(context, entry[0], entry[1], may_break), going)
    return sorted(outcomes, key=lambda outcome: outcome.stack)


def _reap_one(context: Context, each: Preview, why: str, may_break: MayBreak) -> Outcome:
    begun = context.now()
    result = _outcome(lambda: down(context, each.pr, each.region, may_break))
    seconds = (context.now() - begun).total_seconds()
    return Outcome(
        stack=each.stack, result=result[0], why=f"{why}: {result[1]}" if result[1] else why, seconds=seconds
    )


def _outcome(act: Callable[[], object]) -> tuple[str, str]:
    from ..explain import explain

    try:
        act()
    except StackLocked as locked:
        return "busy", str(locked)
    except StackGone:
        return "destroyed", "by another run"
    except Exception as problem:  # one broken stack must not stop the reaping of the others
        known = explain(problem)
        return "failed", str(known) if known else f"{type(problem).__name__}: {problem}"
    return "destroyed", ""


def all_previews(context: Context) -> tuple[list[Preview], list[Outcome]]:
    """List every preview of the backend, and a failed outcome for each with unreadable tags."""
    previews: list[Preview] = []
    broken: list[Outcome] = []
    for stack in context.stacks.names():
        if preview.pr_number(stack) is None:
            continue
        try:
            previews.append(preview.of_tags(stack, context.stacks.tags(stack)))
        except StackGone:
            continue  # another reaper has removed it
        except OperatorError as problem:
            broken.append(Outcome(stack=stack, result="failed", why=str(problem)))
    return previews, broken
