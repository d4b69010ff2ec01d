"""`microcosm preview up` and `extend`: create previews with an expiry that is enforced."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.config import expiry
from infra.config.naming import Names

from ..aws.session import Session
from ..errors import OperatorError, UsageError
from ..output import duration
from ..pulumi_cli.target import Target, ambient_region
from . import cost as preview_cost
from . import model as preview
from . import recover as preview_recover
from .context import Context, owner
from .model import Preview
from .stack import StackGone

PROJECT = "microcosm"
GRACE = timedelta(minutes=expiry.GRACE_MINUTES)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpRequest:
    """The options of `up`; None means the preview's present value, else the default."""

    pr: int
    region: str | None = None
    ttl: timedelta | None = None
    owner: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    # Ranges to admit besides the caller's own address.
    admit: tuple[str, ...] = ()
    break_lock: bool = False
    # The user will run `reap` or `down` here, because no remote reaper can read the backend.
    reap_myself: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class UpResult:
    """A preview that is up."""

    preview: Preview
    outputs: Mapping[str, Any]
    rate: preview_cost.Rate
    seconds: float
    total: str


def up(context: Context, request: UpRequest) -> UpResult:
    """Create the preview, update it, or continue an interrupted run."""
    refuse_unenforceable(context.stacks.backend, request.reap_myself)
    stack = preview.stack_name(request.pr)
    known = _known(context, stack)
    target = Target(stack=stack, region=_region(context, request, known))
    session = context.session_of(stack, target.region)
    session.client("sts").get_caller_identity()  # fail on expired credentials before creating anything
    wanted = _wanted(context, request, known, target.region)
    values = _configuration(context, request, wanted, exists=known is not None)
    _prepare(context, target, session, known, request.break_lock)
    context.stacks.set_tags(stack, wanted.tags)
    context.stacks.configure(stack, values)
    announce_end(session, wanted)
    begun = context.now()
    with context.watch("up", stack, session) as on_event:
        outputs = context.stacks.up(stack, on_event)
    rate = preview_cost.rate(session, target, context.now().timestamp())
    assert wanted.expires is not None
    assert wanted.created is not None
    return UpResult(
        preview=wanted,
        outputs=outputs,
        rate=rate,
        seconds=(context.now() - begun).total_seconds(),
        total=rate.over(wanted.expires - wanted.created),
    )


def refuse_unenforceable(backend: str, reap_myself: bool) -> None:
    """Raise UsageError for a local backend: the reaper, which deletes more than machines, cannot read it."""
    if backend.startswith("file://") and not reap_myself:
        raise UsageError(
            f"the expiry of this preview cannot be enforced: its state would be in {backend}, which only "
            f"this machine can "
            "read, so no remote reaper could destroy it (its machines end, but its Elastic IP stays at "
            "$3.65 a month): set "
            "PULUMI_BACKEND_URL to an S3 bucket, or add --reap-myself and run `microcosm preview reap` here"
        )


def _known(context: Context, stack: str) -> Preview | None:
    return preview.of_tags(stack, context.stacks.tags(stack)) if stack in context.stacks.names() else None


def _region(context: Context, request: UpRequest, known: Preview | None) -> str:
    """Return the region; an existing preview cannot move."""
    own = known.region if known else None
    if request.region and own and request.region != own:
        raise UsageError(
            f"pr-{request.pr} is in {own} and cannot move to {request.region}: use --region {own}, or take "
            f"it down first"
        )
    return request.region or own or ambient_region(preview.stack_name(request.pr), context.environ)


def _wanted(context: Context, request: UpRequest, known: Preview | None, region: str) -> Preview:
    """Return the preview's target facts.

    An extended expiry is kept, unless it has passed or another one is requested.
    """
    now = context.now()
    kept = known.expires if known and known.expires and known.expires > now and request.ttl is None else None
    return Preview(
        pr=request.pr,
        region=region,
        owner=request.owner or (known.owner if known else "") or owner(context.environ),
        created=(known.created if known else None) or now,
        expires=kept or now + (request.ttl or preview.parse_ttl(preview.DEFAULT_TTL)),
    )


def _configuration(context: Context, request: UpRequest, wanted: Preview, exists: bool) -> dict[str, Any]:
    """Return the stack's whole configuration, validated before any change."""
    assert wanted.expires is not None
    earlier = context.stacks.configuration(wanted.stack) if exists else {}
    own = {
        key.removeprefix(f"{PROJECT}:"): value
        for key, value in earlier.items()
        if key.startswith(f"{PROJECT}:")
    }
    own |= request.settings
    if "adminCidrs" not in request.settings:
        own["adminCidrs"] = [*dict.fromkeys([f"{context.caller_address()}/32", *request.admit])]
    own |= {"owner": wanted.owner, "expiresAt": preview.rfc3339(wanted.expires)}
    _validate(own, wanted.stack)
    return {"aws:region": wanted.region} | {f"{PROJECT}:{key}": value for key, value in own.items()}


def _validate(own: Mapping[str, Any], stack: str) -> None:
    # The rules are the program's own; importing them imports Pulumi's SDK.
    from infra.config import model as config
    from infra.errors import ConfigError

    try:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in own.items()}
        config.parse(texts, stack=stack)
    except ConfigError as refused:
        raise UsageError(
            f"{stack} cannot have this configuration: {'; '.join(refused.problems)}"
        ) from refused


def _prepare(
    context: Context, target: Target, session: Session, known: Preview | None, break_lock: bool
) -> None:
    if known is None:
        context.stacks.create(target.stack)
        return
    preview_recover.free_lock(context, target.stack, preview_recover.if_forced(break_lock))
    preview_recover.repair(context, target, session)
    if known.expires and context.now() > known.expires + GRACE:
        expiry_time = preview.rfc3339(known.expires)
        context.log(
            f"{target.stack}: its machines have ended after its expiry ({expiry_time}): refreshing the state"
        )
        preview_recover.refresh_reachable(context, target, session)


def announce_end(session: Session, wanted: Preview) -> bool:
    """Write the expiry to the parameter that the machines read.

    Returns False if the parameter does not exist, because Pulumi must create it.
    """
    assert wanted.expires is not None
    name, ssm = Names(stack=wanted.stack).parameter(expiry.PARAMETER), session.client("ssm")
    try:
        ssm.get_parameter(Name=name)
    except ClientError as answer:
        if answer.response["Error"]["Code"] == "ParameterNotFound":
            return False
        raise
    ssm.put_parameter(
        Name=name, Value=expiry.document(preview.rfc3339(wanted.expires)), Type="String", Overwrite=True
    )
    return True


def extend(context: Context, pr: int, by: timedelta) -> Preview:
    """Extend a preview's lifetime.

    The machines' parameter is written before the tag, so that no machine ends while the preview lives on.
    """
    stack = preview.stack_name(pr)
    known = existing(context, stack)
    if known.expires is None or known.region is None:
        raise OperatorError(
            f"{stack} has no expiry, because its `up` was interrupted: run `microcosm preview up --pr {pr}` "
            f"again"
        )
    now = context.now()
    if now > known.expires + GRACE:
        raise OperatorError(
            f"{stack} and its machines ended at {preview.rfc3339(known.expires)}: run `microcosm preview up "
            f"--pr {pr}`"
        )
    longer = known.until(max(known.expires, now) + by)
    assert longer.expires is not None
    if longer.expires - now > preview.LONGEST:
        most = duration((preview.LONGEST - (known.expires - now)).total_seconds())
        raise UsageError(
            f"--by is too long: {stack} would live more than 72h from now; accepted is up to {most}"
        )
    announce_end(context.session_of(stack, known.region), longer)
    context.stacks.set_tags(stack, longer.tags)
    return longer


def existing(context: Context, stack: str) -> Preview:
    """Return a preview of the backend; UsageError lists the existing ones."""
    try:
        return preview.of_tags(stack, context.stacks.tags(stack))
    except StackGone as gone:
        others = ", ".join(name for name in context.stacks.names() if preview.pr_number(name)) or "none"
        raise UsageError(
            f"there is no preview {stack} in {context.stacks.backend}: there are {others}; nothing was "
            f"changed"
        ) from gone


def kubeconfig_command(stack: str, region: str) -> str:
    return f"microcosm kubeconfig --stack {stack} --region {region} --merge --use"
