"""Play the life of a cluster on a fresh machine: Linux first, Windows when its binaries are built.

The Windows binaries, Wine and Mono are a third of all that a fresh machine builds, and no Linux machine needs
them. They are built beside the first `up`, and a second one adds the pool.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..build import Supplies
from ..build.later import Later
from . import life
from .life import LIFE, Run, Step

LINUX_ALONE = {"nodePools": [{"name": "linux", "os": "ubuntu-24.04", "count": 1}], "workloads": False}


@dataclass(frozen=True, kw_only=True)
class LinuxFirst:
    """The steps, and what they need to know of the builds before them.

    `elapsed` gives the seconds since the command began, `cpu_seconds` are those of its builds until now, and
    `complete` finds the supplies again once the rest is built.
    """

    elapsed: Callable[[], float]
    cpu_seconds: float
    rest: Later
    complete: Callable[[], Supplies]

    @property
    def steps(self) -> tuple[Step, ...]:
        return (
            Step("preview", "pulumi preview of the Linux machines", self._preview),
            Step("first cluster", "pulumi up of the Linux machines alone", self._first_cluster),
            Step("Windows pool", "a second pulumi up, with the Windows binaries built", self._windows_pool),
            *LIFE[2:],
        )

    def _preview(self, run: Run) -> str:
        run.session.write_config(**LINUX_ALONE)
        return life.preview(run)

    def _first_cluster(self, run: Run) -> str:
        text = life.up(run)
        run.say(run.session.output("kubectl", "get", "nodes", "--output", "wide"))
        return f"{text}; {first_cluster(self.elapsed(), self.cpu_seconds, os.cpu_count() or 1)}"

    def _windows_pool(self, run: Run) -> str:
        self.rest.wait()
        run.session = replace(run.session, supplies=self.complete())
        run.session.write_config()
        return life.up(run)


def first_cluster(seconds: float, cpu_seconds: float, cores: int) -> str:
    """Say when the first cluster was there, and how soon it could be if the builds left no core idle."""
    floor = cpu_seconds / cores
    return (
        f"the first cluster after {seconds:.0f} s since the command began; the builds that it needs took "
        f"{cpu_seconds:.0f} s of CPU, so on {cores} cores it cannot be there before {floor:.0f} s"
    )
