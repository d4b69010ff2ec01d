"""`microcosm preview down` and `reap`: nothing is left, or it is said what."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import audit, kubeconfig_command, preview, preview_recover, record
from .aws import Session
from .errors import OperatorError
from .items import Item
from .output import duration
from .preview import Preview
from .preview_recover import MayBreak
from .preview_stack import StackGone, StackLocked
from .preview_up import existing
from .preview_world import World
from .record import Record
from .target import Target

AT_ONCE = 4
# No `up` or `destroy` takes so long: a lock that old belongs to a runner that is gone.
STALE_AFTER = timedelta(hours=3)
# Two minutes together.
LOOKS, PAUSE_SECONDS = 13, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one preview: destroyed, busy (another run has it), or failed; and why."""

    stack: str
    result: str
    why: str
    seconds: float = 0.0


def down(world: World, pr: int, region: str | None, may_break: MayBreak) -> str:
    """Destroy a preview, prove that nothing of it is left, and forget it. Returns the region that it was in."""
    stack = preview.stack_name(pr)
    known = existing(world, stack)
    place = region or known.region or _region_of_state(world, stack)
    target, session = Target(stack=stack, region=place), world.session(place)
    session.client("sts").get_caller_identity()
    preview_recover.free_lock(world, stack, may_break)
    # What an earlier run has made and not written down would hold the rest.
    preview_recover.repair(world, target, session, look=False)
    memory = record.of_resources(world.stacks.resources(stack))
    with world.watch("destroy", stack, session) as on_event:
        world.stacks.destroy(stack, on_event)
    # What a deletion has left whose answer was lost.
    preview_recover.repair(world, target, session, look=False)
    _refuse_leftovers(world, target, session, memory)
    world.stacks.remove(stack)
    kubeconfig_command.remove(target, None, quiet=True)
    return place


def _region_of_state(world: World, stack: str) -> str:
    """A preview whose tags were cut off says its region by its provider, if it came so far as to have one."""
    for resource in world.stacks.resources(stack):
        if resource["type"] == "pulumi:providers:aws" and (region := resource.get("inputs", {}).get("region")):
            return str(region)
    raise OperatorError(f"nothing says in which region {stack} is: name it with --region")


def _refuse_leftovers(world: World, target: Target, session: Session, memory: Record) -> None:
    """Refuse to forget a stack of which something is left, or might be."""
    result = _settled(lambda: audit.audit(session, audit.Scope(target=target, record=memory), world.now().timestamp()), world)
    left = _left(result)
    if left:
        names = ", ".join(f"{item.kind} {item.id}" for item in left[:5])
        raise OperatorError(
            f"{target.stack} is destroyed, but {len(left)} objects are left ({names}): see `microcosm audit --stack {target.stack} "
            f"--region {target.region}`, which can delete them; then run this again"
        )
    if refused := [check for check in result.checks if check.refused]:
        raise OperatorError(f"{target.stack} is destroyed, but whether anything is left could not be seen: {refused[0].where}: {refused[0].refused}")


def _settled(look: Callable[[], audit.Audit], world: World) -> audit.Audit:
    """Look until nothing is left, LOOKS times: AWS goes on listing parameters, disks and interfaces for a while after their deletion."""
    result = look()
    for _ in range(LOOKS - 1):
        if not _left(result):
            break
        world.sleep(PAUSE_SECONDS)
        result = look()
    return result


def _left(result: audit.Audit) -> list[Item]:
    return [finding.item for finding in result.findings if not finding.suspect]


def due(previews: Sequence[Preview], now: datetime, open_prs: frozenset[int] | None) -> list[tuple[Preview, str]]:
    """Which previews have to go, and why. Without a list of the open pull requests only the clock decides."""
    found: list[tuple[Preview, str]] = []
    for each in previews:
        if each.expires and each.expires <= now:
            found.append((each, f"expired {duration((now - each.expires).total_seconds())} ago"))
        elif open_prs is not None and each.pr not in open_prs:
            found.append((each, f"pull request {each.pr} is not open"))
    return found


def reap(world: World, open_prs: frozenset[int] | None, stale_after: timedelta, dry_run: bool = False) -> list[Outcome]:
    """Destroy every preview that has to go, several at once; one that fails does not keep the others."""
    previews, broken = all_previews(world)
    going = due(previews, world.now(), open_prs)
    leaving = {each.stack for each, _ in going}
    unending = [each for each in previews if each.expires is None and each.stack not in leaving]
    outcomes = [*broken, *(Outcome(stack=each.stack, result="failed", why="it has no end: take it down, or run its `up` again") for each in unending)]
    if dry_run:
        return outcomes + [Outcome(stack=each.stack, result="due", why=why) for each, why in going]
    may_break = preview_recover.when_older(stale_after, world)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        outcomes += pool.map(lambda entry: _reap_one(world, entry[0], entry[1], may_break), going)
    return sorted(outcomes, key=lambda outcome: outcome.stack)


def _reap_one(world: World, each: Preview, why: str, may_break: MayBreak) -> Outcome:
    begun = world.now()
    result = _outcome(lambda: down(world, each.pr, each.region, may_break))
    seconds = (world.now() - begun).total_seconds()
    return Outcome(stack=each.stack, result=result[0], why=f"{why}: {result[1]}" if result[1] else why, seconds=seconds)


def _outcome(act: Callable[[], object]) -> tuple[str, str]:
    from .explain import explain

    try:
        act()
    except StackLocked as locked:
        return "busy", str(locked)
    except StackGone:
        return "destroyed", "by another run"
    except Exception as problem:  # one broken stack must not keep the others alive
        told = explain(problem)
        return "failed", str(told) if told else f"{type(problem).__name__}: {problem}"
    return "destroyed", ""


def all_previews(world: World) -> tuple[list[Preview], list[Outcome]]:
    """Every preview of the backend, and those whose tags cannot be read."""
    previews: list[Preview] = []
    broken: list[Outcome] = []
    for stack in world.stacks.names():
        if preview.pr_number(stack) is None:
            continue
        try:
            previews.append(preview.of_tags(stack, world.stacks.tags(stack)))
        except StackGone:
            continue  # another reaper was faster
        except OperatorError as problem:
            broken.append(Outcome(stack=stack, result="failed", why=str(problem)))
    return previews, broken
