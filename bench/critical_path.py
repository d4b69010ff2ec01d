"""Model the critical path of a Windows node on EC2 from published figures. It is no measurement.

A step without a published figure is left out, so every sum is a lower bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import document
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `low` and `high` in seconds."""

    low: float
    high: float
    source: str


BOOT, SETUP, PULL = "launch and boot", "set-up and join", "pull of the WCF image"
STEPS: Mapping[str, Step] = {
    BOOT: Step(
        60,
        900,
        "1 minute with Fast Launch (storytemplates.tech, 2024-06-08); else several reboots, 'often 15 "
        "minutes or longer' "
        "(EC2 user guide, Windows fast launch)",
    ),
    SETUP: Step(
        600, 600, "'around 10 minutes' (openshift/windows-machine-config-operator 067496a, README.md)"
    ),
    PULL: Step(
        600,
        900,
        "10 minutes for IIS (storytemplates.tech, 2024-06-08), 12 to 15 for a fresh Windows image "
        "(kubernetes-sigs/cluster-api-provider-azure#1326)",
    ),
}
# userdata/windows/worker.ps1 starts the pull during the set-up, after the restart. No figure says when, so
# the model starts it after the boot.
PATHS: Mapping[str, Sequence[str]] = {
    "the node is Ready": (BOOT, SETUP),
    "the WCF image is there": (BOOT, PULL),
}


def run(settings: Settings) -> str:
    """Render the model as Markdown."""
    settings.log("a model, not a measurement")
    ends = [
        [end, " + ".join(steps), _minutes([STEPS[step] for step in steps])] for end, steps in PATHS.items()
    ]
    steps = [[name, _minutes([step]), step.source] for name, step in STEPS.items()]
    return "\n\n".join(
        [
            "A model from published figures, not a measurement. Steps without a published figure are left "
            "out.",
            document.table(["end", "steps", "minutes after RunInstances, at least"], ends),
            document.table(["step", "minutes", "source"], steps),
        ]
    )


def _minutes(steps: Sequence[Step]) -> str:
    low, high = sum(step.low for step in steps) / 60, sum(step.high for step in steps) / 60
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
