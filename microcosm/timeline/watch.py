"""Read a timeline's facts from AWS, once or repeatedly until every machine is ready or one has failed."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..aws import machines
from ..aws.session import Session
from ..pulumi_cli.target import Target
from . import model as timeline
from .model import Span, Timeline

POLL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The system clock; a test passes its own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def poll(
    session: Session, target: Target, engine_spans: Sequence[Span] = (), clock: Clock = SYSTEM_CLOCK
) -> Timeline:
    """Read machines and reports from AWS and build the timeline."""
    return timeline.build(
        stack=target.stack,
        region=target.region,
        now=clock.now(),
        machines=machines.machines(session, target.stack),
        reports=machines.reports(session, target.stack),
        engine_spans=engine_spans,
    )


def follow(
    poll_again: Callable[[], Timeline], seconds: float, clock: Clock = SYSTEM_CLOCK
) -> Iterator[Timeline]:
    """Yield timelines until all machines are ready, one has failed, or the time is over.

    A stack without machines is also waited for: `pulumi up` may not have launched them yet.
    """
    deadline = clock.now() + seconds
    while True:
        current = poll_again()
        yield current
        if current.ready or current.failed or clock.now() >= deadline:
            return
        clock.sleep(POLL_SECONDS)
