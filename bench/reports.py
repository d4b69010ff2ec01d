"""What becomes of the machines' reports at the rate that AWS takes them: a model, in which machines do what their scripts say.

userdata/linux/common.sh: a report is tried for 5 s beside the work, the next phase waits until that is over; the last one for two minutes,
and again by the boot's timer. userdata/windows/plan.ps1: each is one call (whose SDK tries for some seconds), the last one every 5 s.
Nobody else writes meanwhile but Pulumi, whose parameters are there before the machines. Nothing of this has met AWS.
"""

import heapq
import random
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median

from rehearsal.cloud.rates import OWN_RATES, PUT_PARAMETER, Bucket
from rehearsal.faked.machines import PHASES

from .document import table

SIZES = (3, 10, 30, 100, 300, 1000)
SEED = 1
# Seconds that each phase takes, about: the model of bench/critical_path.py, whose figures are mostly assumptions. They spread by a fifth.
WORK: Mapping[str, Mapping[str, float]] = {
    "linux": {"boot": 30, "prepare": 2, "download": 15, "containerd": 3, "join": 40, "ready": 20},
    "windows": {
        "boot": 300, "feature": 90, "reboot": 90, "download": 40, "containerd": 10, "prepare-node": 10, "join": 20, "flannel": 40,
        "kube-proxy": 10, "ready": 10,
    },
}  # fmt: skip
SPREAD = 0.2
PATIENCE, TIMER = 5.0, 20.0
LAST_PATIENCE = {"linux": 120.0, "windows": 600.0}
PAUSES = {"linux": (1.0, 4.0), "windows": (5.0, 5.0)}


@dataclass(slots=True)
class Fate:
    """Of the reports of all machines: sent and lost on the way, and for how many seconds each last one was tried."""

    sent: int = 0
    lost: int = 0
    last: list[float] = field(default_factory=list[float])


@dataclass(slots=True)
class World:
    """The time, the account's bucket, and chance."""

    now: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - a model
    bucket: Bucket = field(default_factory=lambda: Bucket(PUT_PARAMETER, PUT_PARAMETER.burst, 0.0))
    fate: Fate = field(default_factory=Fate)

    def takes(self) -> bool:
        return self.bucket.take(self.now)


def simulate(workers: int) -> Fate:
    """Half of the workers are Windows; all are launched as fast as EC2 launches."""
    world = World()
    lives = [_life(world, "windows" if index % 2 else "linux") for index in range(workers)]
    order = count()
    waiting = [(launch, next(order), life) for launch, life in zip(launches(), lives, strict=False)]
    heapq.heapify(waiting)
    while waiting:
        world.now, _, life = heapq.heappop(waiting)
        pause = next(life, None)
        if pause is not None:
            heapq.heappush(waiting, (world.now + pause, next(order), life))
    return world.fate


def launches() -> Iterator[float]:
    """When RunInstances takes the n-th call, in seconds."""
    rate = OWN_RATES["RunInstances"]
    return (max(0.0, (number - rate.burst + 1) / rate.a_second) for number in count())


def _life(world: World, family: str) -> Generator[float]:
    """One machine: yields the seconds until it does the next thing."""
    work = WORK[family]
    yield _about(world, work["boot"])
    for phase in PHASES[family]:
        world.fate.sent += 1
        spent = yield from _tried(world, family, PATIENCE)
        world.fate.lost += spent is None
        # The report goes beside the work.
        yield max(0.0, _about(world, work[phase]) - (spent if spent is not None else PATIENCE))
    began = world.now
    world.fate.sent += 1
    while (yield from _tried(world, family, LAST_PATIENCE[family])) is None:
        yield TIMER
    world.fate.last.append(world.now - began)


def _tried(world: World, family: str, patience: float) -> Generator[float, None, float | None]:
    """Until the report is taken or patience is at its end; returns the seconds, or None when it was not taken."""
    began = world.now
    while not world.takes():
        pause = world.chance.uniform(*PAUSES[family])
        if world.now + pause - began > patience:
            yield max(0.0, patience - (world.now - began))
            return None
        yield pause
    return world.now - began


def _about(world: World, seconds: float) -> float:
    return seconds * world.chance.uniform(1 - SPREAD, 1 + SPREAD)


def report(sizes: Sequence[int] = SIZES) -> str:
    """The model as Markdown, a row for each number of workers."""
    fates = {size: simulate(size) for size in sizes}
    rows = [
        [str(size), str(fate.sent), f"{fate.lost} ({fate.lost / fate.sent:.0%})", f"{median(fate.last):.0f} s", f"{max(fate.last):.0f} s"]
        for size, fate in fates.items()
    ]
    return table(["workers", "reports", "lost on the way", "the last one waits, median", "at most"], rows)
