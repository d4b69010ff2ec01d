"""`microcosm preview up` and `extend`: a preview with an end that somebody or something enforces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra import expiry
from infra.naming import Names

from . import preview, preview_cost, preview_recover
from .aws import Session
from .errors import OperatorError, UsageError
from .output import duration
from .preview import Preview
from .preview_stack import StackGone
from .preview_world import World, owner
from .target import Target, ambient_region

PROJECT = "microcosm"
GRACE = timedelta(minutes=expiry.GRACE_MINUTES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What was asked for; None means what the preview already has, else the default."""

    pr: int
    region: str | None = None
    ttl: timedelta | None = None
    owner: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    # Ranges that may come in besides the caller's own address.
    admit: tuple[str, ...] = ()
    break_lock: bool = False
    # Somebody here will run `reap` or `down`, although nobody elsewhere can.
    reap_myself: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A preview that is up."""

    preview: Preview
    outputs: Mapping[str, Any]
    rate: preview_cost.Rate
    seconds: float
    total: str


def up(world: World, request: Request) -> Result:
    """Create the preview, or bring it up to date, or finish what an earlier run could not."""
    refuse_unenforceable(world.stacks.backend, request.reap_myself)
    stack = preview.stack_name(request.pr)
    known = _known(world, stack)
    target = Target(stack=stack, region=_region(world, request, known))
    session = world.session(target.region)
    session.client("sts").get_caller_identity()  # expired credentials are told before anything is made
    wanted = _wanted(world, request, known, target.region)
    values = _configuration(world, request, wanted, exists=known is not None)
    _prepare(world, target, session, known, request.break_lock)
    world.stacks.set_tags(stack, wanted.tags)
    world.stacks.configure(stack, values)
    announce_end(session, wanted)
    begun = world.now()
    with world.watch("up", stack, session) as on_event:
        outputs = world.stacks.up(stack, on_event)
    rate = preview_cost.rate(session, target, world.now().timestamp())
    assert wanted.expires is not None
    assert wanted.created is not None
    return Result(
        preview=wanted,
        outputs=outputs,
        rate=rate,
        seconds=(world.now() - begun).total_seconds(),
        total=rate.over(wanted.expires - wanted.created),
    )


def refuse_unenforceable(backend: str, reap_myself: bool) -> None:
    """A preview must die by itself: its machines do, but the rest goes only by a reaper that can read the state."""
    if backend.startswith("file://") and not reap_myself:
        raise UsageError(
            f"nothing can enforce the end of a preview: its state would be in {backend}, which only this machine can read, so no reaper "
            "elsewhere could take it away (the machines end themselves, their Elastic IP would stay at $3.65 a month): set "
            "PULUMI_BACKEND_URL to an S3 bucket, or say --reap-myself and run `microcosm preview reap` here"
        )


def _known(world: World, stack: str) -> Preview | None:
    return preview.of_tags(stack, world.stacks.tags(stack)) if stack in world.stacks.names() else None


def _region(world: World, request: Request, known: Preview | None) -> str:
    """The preview's own region: it cannot move."""
    own = known.region if known else None
    if request.region and own and request.region != own:
        raise UsageError(f"pr-{request.pr} is in {own} and cannot move to {request.region}: use --region {own}, or take it down first")
    return request.region or own or ambient_region(preview.stack_name(request.pr), world.environ)


def _wanted(world: World, request: Request, known: Preview | None, region: str) -> Preview:
    """The preview as it shall be. An end that was extended stays, unless another is asked for or it has passed."""
    now = world.now()
    kept = known.expires if known and known.expires and known.expires > now and request.ttl is None else None
    return Preview(
        pr=request.pr,
        region=region,
        owner=request.owner or (known.owner if known else "") or owner(world.environ),
        created=(known.created if known else None) or now,
        expires=kept or now + (request.ttl or preview.parse_ttl(preview.DEFAULT_TTL)),
    )


def _configuration(world: World, request: Request, wanted: Preview, exists: bool) -> dict[str, Any]:
    """The stack's whole configuration, validated before anything is changed."""
    assert wanted.expires is not None
    earlier = world.stacks.configuration(wanted.stack) if exists else {}
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in earlier.items() if key.startswith(f"{PROJECT}:")}
    own |= request.settings
    if "adminCidrs" not in request.settings:
        own["adminCidrs"] = [*dict.fromkeys([f"{world.caller_address()}/32", *request.admit])]
    own |= {"owner": wanted.owner, "expiresAt": preview.rfc3339(wanted.expires)}
    _validate(own, wanted.stack)
    return {"aws:region": wanted.region} | {f"{PROJECT}:{key}": value for key, value in own.items()}


def _validate(own: Mapping[str, Any], stack: str) -> None:
    # The program's own rules; importing them means importing Pulumi's SDK.
    from infra import config
    from infra.errors import ConfigError

    try:
        config.parse({key: value if isinstance(value, str) else json.dumps(value) for key, value in own.items()}, stack=stack)
    except ConfigError as refused:
        raise UsageError(f"{stack} cannot have this configuration: {'; '.join(refused.problems)}") from refused


def _prepare(world: World, target: Target, session: Session, known: Preview | None, break_lock: bool) -> None:
    if known is None:
        world.stacks.create(target.stack)
        return
    preview_recover.free_lock(world, target.stack, preview_recover.when_told(break_lock))
    preview_recover.repair(world, target, session)
    if known.expires and world.now() > known.expires + GRACE:
        world.say(f"{target.stack}: its machines have ended themselves after {preview.rfc3339(known.expires)}: looking at what is left")
        world.stacks.refresh(target.stack)


def announce_end(session: Session, wanted: Preview) -> bool:
    """Tell the machines their new end; False when the parameter is not there (yet), since Pulumi must be the one to make it."""
    assert wanted.expires is not None
    name, ssm = Names(stack=wanted.stack).parameter(expiry.PARAMETER), session.client("ssm")
    try:
        ssm.get_parameter(Name=name)
    except ClientError as answer:
        if answer.response["Error"]["Code"] == "ParameterNotFound":
            return False
        raise
    ssm.put_parameter(Name=name, Value=expiry.document(preview.rfc3339(wanted.expires)), Type="String", Overwrite=True)
    return True


def extend(world: World, pr: int, by: timedelta) -> Preview:
    """Move the end of a living preview; the machines learn it first, so that none ends on a preview that is told to go on."""
    stack = preview.stack_name(pr)
    known = existing(world, stack)
    if known.expires is None or known.region is None:
        raise OperatorError(f"{stack} has no end that could be moved, its `up` was cut off before that: run `microcosm preview up --pr {pr}` again")
    now = world.now()
    if now > known.expires + GRACE:
        raise OperatorError(f"{stack} has ended at {preview.rfc3339(known.expires)}, and its machines with it: run `microcosm preview up --pr {pr}`")
    longer = known.until(max(known.expires, now) + by)
    assert longer.expires is not None
    if longer.expires - now > preview.LONGEST:
        most = duration((preview.LONGEST - (known.expires - now)).total_seconds())
        raise UsageError(f"--by is too long: {stack} would live for more than 72h from now; accepted is up to {most}")
    announce_end(world.session(known.region), longer)
    world.stacks.set_tags(stack, longer.tags)
    return longer


def existing(world: World, stack: str) -> Preview:
    """A preview that the backend knows; exit code 2 otherwise."""
    try:
        return preview.of_tags(stack, world.stacks.tags(stack))
    except StackGone as gone:
        others = ", ".join(name for name in world.stacks.names() if preview.pr_number(name)) or "none"
        raise UsageError(f"there is no preview {stack} in {world.stacks.backend}: there are {others}; nothing was changed") from gone


def kubeconfig_command(stack: str, region: str) -> str:
    return f"microcosm kubeconfig --stack {stack} --region {region} --merge --use"
