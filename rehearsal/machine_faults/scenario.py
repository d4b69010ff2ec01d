"""The faults as steps of a rehearsal: all on one cluster, or one alone by its name."""

import time
from dataclasses import dataclass

from rehearsal.scenario import LIFE, Run, Step, preview, up

from . import proof, report
from .machines import FAULTS, FIRST, LAST
from .stage import Stage
from .table import Fault, Outcome

ALL = "machine-faults"
_PREVIEW = Step("preview", "pulumi preview of the whole stack", preview)
_UP = Step("up", "pulumi up", up)


@dataclass(slots=True)
class Play:
    """What the steps of one run share; made by the first of them."""

    stage: Stage | None = None

    def step(self, fault: Fault) -> Step:
        """The fault, its repair, the proof and its row; after one that ends the stack there is nothing left to prove."""

        def act(run: Run) -> str:
            self.stage = self.stage or Stage(run)
            start = time.monotonic()
            seen = fault.act(self.stage)
            proved = "0 resources left" if fault is LAST else proof.nothing_is_lost(self.stage)
            report.keep(Outcome(fault=fault, seen=seen, proof=proved, seconds=time.monotonic() - start))
            return f"{seen}\n           {fault.repair}; {proved}"

        return Step(fault.name, fault.done, act)


def together() -> tuple[Step, ...]:
    """The first makes the cluster and the last takes it away."""
    play = Play()
    return (_PREVIEW, *map(play.step, FAULTS))


def alone(fault: Fault) -> tuple[Step, ...]:
    """On a cluster of its own, with an ordinary beginning and end where the fault is neither."""
    before = () if fault is FIRST else (_UP,)
    after = () if fault is LAST else LIFE[-2:]
    return (_PREVIEW, *before, Play().step(fault), *after)


SCENARIOS = {ALL: together()} | {fault.name: alone(fault) for fault in FAULTS}
