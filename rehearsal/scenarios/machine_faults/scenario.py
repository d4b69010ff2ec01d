"""Make steps of a rehearsal from the faults: all on one cluster, or one alone by its name."""

import time
from dataclasses import dataclass

from rehearsal.scenarios.life import LIFE, Run, Step, preview, up

from . import proof, report
from .fault import Fault, Outcome
from .stage import Stage
from .table import FAULTS, FIRST, LAST

ALL = "machine-faults"
_PREVIEW = Step("preview", "pulumi preview of the whole stack", preview)
_UP = Step("up", "pulumi up", up)


@dataclass(slots=True)
class SharedStage:
    """The state that the steps of one run share."""

    stage: Stage | None = None

    def step(self, fault: Fault) -> Step:
        """Return a step that injects the fault, repairs it, checks the cluster and writes the row."""

        def act(run: Run) -> str:
            self.stage = self.stage or Stage(run)
            start = time.monotonic()
            seen = fault.act(self.stage)
            proved = "0 resources left" if fault is LAST else proof.check_recovered(self.stage)
            report.keep(Outcome(fault=fault, seen=seen, proof=proved, seconds=time.monotonic() - start))
            return f"{seen}\n           {fault.repair}; {proved}"

        return Step(fault.name, fault.done, act)


def together() -> tuple[Step, ...]:
    """Return the steps of all faults; the first creates the cluster and the last destroys it."""
    shared = SharedStage()
    return (_PREVIEW, *map(shared.step, FAULTS))


def alone(fault: Fault) -> tuple[Step, ...]:
    """Return the steps of one fault on its own cluster."""
    before = () if fault is FIRST else (_UP,)
    after = () if fault is LAST else LIFE[-2:]
    return (_PREVIEW, *before, SharedStage().step(fault), *after)


SCENARIOS = {ALL: together()} | {fault.name: alone(fault) for fault in FAULTS}
