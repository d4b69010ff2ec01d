"""Gathers a timeline's facts from AWS, once or again and again until every machine is ready or one has failed."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from . import fleet, timeline
from .aws import Session
from .target import Target
from .timeline import Span, Timeline

POLL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Time as the outside world keeps it; a test passes its own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def look(session: Session, target: Target, declared: Sequence[Span] = (), clock: Clock = SYSTEM_CLOCK) -> Timeline:
    """The timeline of this moment."""
    return timeline.build(
        stack=target.stack,
        region=target.region,
        now=clock.now(),
        machines=fleet.machines(session, target.stack),
        reports=fleet.reports(session, target.stack),
        declared=declared,
    )


def follow(look_again: Callable[[], Timeline], seconds: float, clock: Clock = SYSTEM_CLOCK) -> Iterator[Timeline]:
    """Timeline after timeline; the last is ready, failed, or what there was when the time ran out.

    A stack without machines is one that `pulumi up` has not come to yet: it is waited for too.
    """
    deadline = clock.now() + seconds
    while True:
        current = look_again()
        yield current
        if current.ready or current.failed or clock.now() >= deadline:
            return
        clock.sleep(POLL_SECONDS)
