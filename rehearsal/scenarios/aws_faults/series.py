"""The series of a sweep, as data: a way of failing, in one manner, over the life of a stack."""

from dataclasses import dataclass

from rehearsal.fake_aws.calls import STATE
from rehearsal.fake_aws.faults import FAULTS

SERVICES = ("ec2", "iam", "s3", "ssm", "sts")
# Killed when so many different calls were made besides those of Pulumi's state, of some 120 in an `up`; in
# full at more points.
KILL_POINTS = (15, 35, 55, 75, 95, 110)
ALL_KILL_POINTS = tuple(range(3, 115, 3))
LASTING_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """`once`: every call fails the first time, and the SDKs try again. Otherwise a call fails in every
    attempt, so that the command stops; the next run fails those that it comes to and that have not failed
    before, `limit` at most; and so on until none is left. `changes` leaves the calls alone that only read:
    each costs a run of its own, and a read that fails is a command that does nothing further.
    """

    fault: str
    once: bool = False
    limit: int | None = None
    changes: bool = False
    services: tuple[str, ...] = SERVICES
    kill_at: int = 0

    @property
    def name(self) -> str:
        if self.kill_at:
            return f"killed-{self.kill_at}"
        manner = "once" if self.once else "lasting" if self.limit is None else f"lasting-by-{self.limit}"
        return "-".join([self.fault, manner, *(["state"] if self.mostly_waits else [])])

    @property
    def provider(self) -> dict[str, object]:
        """The aws provider's configuration.

        Its own 25 attempts would wait for minutes at each call that fails in all of them.
        """
        return {} if self.once or self.kill_at else {"maxRetries": LASTING_ATTEMPTS}

    @property
    def mostly_waits(self) -> bool:
        """The engine tries each write of its state again for a minute or more before it gives up."""
        return self.services == (STATE,)

    @property
    def options(self) -> tuple[str, ...]:
        """So that a run meets all faults of its depth, not only those before the first failure."""
        return ("--continue-on-error",) if not self.once and self.limit is None else ()

    @property
    def manner(self) -> str:
        """In words, for the report."""
        if self.kill_at:
            return "`kill -9`"
        if self.once:
            return "once each"
        return "in every attempt, of calls that change something" if self.changes else "in every attempt"


def of(full: bool) -> tuple[Series, ...]:
    """All series: those that take minutes, or with `full` each lasting fault alone in its run and reads
    too, which takes hours.
    """
    once = [Series(fault=fault, once=True, services=(*SERVICES, STATE)) for fault in FAULTS]
    lasting = [Series(fault=fault, limit=1 if full else None, changes=not full) for fault in FAULTS]
    state = [
        Series(fault=fault, limit=1 if full else None, changes=not full, services=(STATE,))
        for fault in FAULTS
    ]
    killed = [Series(fault="kill", kill_at=point) for point in (ALL_KILL_POINTS if full else KILL_POINTS)]
    # The quick ones first.
    return (*once, *killed, *lasting, *state)
