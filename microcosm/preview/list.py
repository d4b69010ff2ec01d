"""`microcosm preview list`: list previews with owner, expiry, health and costs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ..output import duration
from ..pulumi_cli.target import Target
from ..timeline import watch as timeline_watch
from ..timeline.model import State, Timeline
from . import cost as preview_cost
from .context import Context
from .cost import Rate
from .down import all_previews
from .model import Preview, rfc3339
from .up import GRACE

PARALLEL = 4
COLUMNS = ("PREVIEW", "OWNER", "REGION", "AGE", "EXPIRES", "HEALTH", "AN HOUR", "SO FAR")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One preview at present; `rate` is None if AWS refused the calls."""

    preview: Preview
    health: str
    rate: Rate | None
    now: datetime

    @property
    def age(self) -> timedelta | None:
        return self.now - self.preview.created if self.preview.created else None

    @property
    def cells(self) -> list[str]:
        age, expires = self.age, self.preview.expires
        return [
            self.preview.stack,
            self.preview.owner or "unknown",
            self.preview.region or "unknown",
            duration(age.total_seconds()) if age is not None else "unknown",
            _remaining(expires, self.now) if expires else "never: `up` was interrupted",
            self.health,
            str(self.rate) if self.rate else "unknown",
            self.rate.over(age) if self.rate and age is not None else "unknown",
        ]

    @property
    def document(self) -> dict[str, Any]:
        age, each = self.age, self.preview
        hours = age.total_seconds() / 3600 if age is not None else None
        return {
            "stack": each.stack,
            "pr": each.pr,
            "owner": each.owner or None,
            "region": each.region,
            "created": each.created and rfc3339(each.created),
            "expires": each.expires and rfc3339(each.expires),
            "health": self.health,
            "usdAnHour": round(self.rate.usd, 4) if self.rate else None,
            "usdSoFar": round(self.rate.usd * hours, 2) if self.rate and hours is not None else None,
        }


def _remaining(expires: datetime, now: datetime) -> str:
    left = (expires - now).total_seconds()
    return f"in {duration(left)}" if left > 0 else f"{duration(-left)} ago"


def rows(context: Context) -> list[Row]:
    """List every preview of the backend; several are read at once."""
    previews, broken = all_previews(context)
    for each in broken:
        context.log(f"{each.stack}: {each.why}")
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return [*pool.map(lambda each: _row(context, each), previews)]


def _row(context: Context, each: Preview) -> Row:
    now = context.now()
    if each.region is None:
        return Row(preview=each, health="not started", rate=None, now=now)
    target, session = (
        Target(stack=each.stack, region=each.region),
        context.session_of(each.stack, each.region),
    )
    try:
        seen = timeline_watch.poll(session, target)
        rate = preview_cost.rate(session, target, now.timestamp())
        return Row(preview=each, health=_health(seen, each, now), rate=rate, now=now)
    except ClientError as refusal:
        return Row(
            preview=each, health=f"AWS refused: {refusal.response['Error']['Code']}", rate=None, now=now
        )


def _health(seen: Timeline, each: Preview, now: datetime) -> str:
    if each.expires and now > each.expires:
        return "expired" if now < each.expires + GRACE else "expired, its machines have ended"
    if failed := [node for node in seen.nodes if node.state is State.FAILED]:
        return f"failed: {failed[0].name} in {failed[0].phase}"
    if not seen.nodes:
        return "no machines"
    ready = sum(node.state is State.READY for node in seen.nodes)
    return "ready" if ready == len(seen.nodes) else f"{ready} of {len(seen.nodes)} ready"
