"""What bounds the bring-up on EC2: a model of its steps, since nothing here has met an AWS account. No measurement.

Each step begins when those before it are done, and takes between two figures, whose source stands beside them. A figure
without a source is an assumption and says so. The model names the longest chain, and what making one step instant would win.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from . import document
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `low` and `high` in seconds."""

    after: tuple[str, ...]
    low: float
    high: float
    source: str


ASSUMED = "assumed"
PEERS = "peers, 2026-11: "
# In the order in which the program and the machines really go: infra/cluster.py, userdata/linux, userdata/windows/worker.ps1.
STEPS: Mapping[str, Step] = {
    "network, roles, groups": Step((), 20, 60, f"{ASSUMED}; a new instance profile takes EC2 some 10 s to know"),
    # control plane
    "control plane: launch and boot": Step(("network, roles, groups",), 25, 60, ASSUMED),
    "control plane: downloads": Step(("control plane: launch and boot",), 10, 40, f"{ASSUMED}; 0.3 GB"),
    "control plane: kubeadm init": Step(("control plane: downloads",), 30, 90, f"{ASSUMED}; image pulls are most of it"),
    "control plane: publish": Step(("control plane: kubeadm init",), 2, 5, "rehearsal"),
    "Flannel and workloads declared": Step(("control plane: publish",), 10, 30, "rehearsal, doubled"),
    # Linux worker: its user-data names the control plane's instance, so it is launched a moment after it
    "Linux: launch and boot": Step(("network, roles, groups",), 30, 70, ASSUMED),
    "Linux: downloads": Step(("Linux: launch and boot",), 10, 40, f"{ASSUMED}; 0.2 GB"),
    "Linux: join": Step(("Linux: downloads", "control plane: publish"), 5, 20, "rehearsal, doubled"),
    "Linux: Ready": Step(("Linux: join", "Flannel and workloads declared"), 5, 20, "rehearsal, doubled"),
    # Windows worker
    "Windows: launch and boot": Step(("network, roles, groups",), 240, 900, f"{PEERS}4 to 8 minutes on EKS, 15 and more without Fast Launch"),
    "Windows: Containers feature": Step(("Windows: launch and boot",), 60, 180, ASSUMED),
    "Windows: restart": Step(("Windows: Containers feature",), 60, 120, ASSUMED),
    "Windows: downloads and containerd": Step(("Windows: restart",), 20, 60, f"{ASSUMED}; 0.2 GB"),
    "Windows: pull of the WCF image": Step(("Windows: downloads and containerd",), 300, 900, f"{PEERS}5 to 15 minutes cold"),
    "Windows: join": Step(("Windows: downloads and containerd", "control plane: publish"), 15, 45, ASSUMED),
    "Windows: HNS, flanneld, kube-proxy": Step(("Windows: join", "Flannel and workloads declared"), 30, 120, ASSUMED),
    "Windows: Ready": Step(("Windows: HNS, flanneld, kube-proxy",), 5, 20, ASSUMED),
    "CCAuth answers": Step(("Windows: Ready", "Windows: pull of the WCF image", "Linux: Ready"), 20, 60, f"{ASSUMED}; IIS starts and compiles"),
}
ENDS = ("Linux: Ready", "Windows: Ready", "CCAuth answers")


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps that bound the end, first to last, and when it comes in seconds."""

    steps: tuple[str, ...]
    seconds: float


def longest(steps: Mapping[str, Step], end: str, *, high: bool) -> Chain:
    """The chain that the end waits for, with every step at its low or at its high figure."""
    chains: dict[str, Chain] = {}
    for name in TopologicalSorter({name: step.after for name, step in steps.items()}).static_order():
        before = max((chains[other] for other in steps[name].after), key=lambda chain: chain.seconds, default=Chain((), 0.0))
        chains[name] = Chain((*before.steps, name), before.seconds + (steps[name].high if high else steps[name].low))
    return chains[end]


def won(steps: Mapping[str, Step], name: str, end: str, *, high: bool) -> float:
    """How much earlier the end would come, in seconds, if one step took no time."""
    without = {**steps, name: replace(steps[name], low=0.0, high=0.0)}
    return longest(steps, end, high=high).seconds - longest(without, end, high=high).seconds


def run(settings: Settings) -> str:
    """The model as Markdown."""
    settings.tell("a model, not a measurement")
    last = ENDS[-1]
    bounding = {*longest(STEPS, last, high=False).steps, *longest(STEPS, last, high=True).steps}
    ends = [[end, _minutes(longest(STEPS, end, high=False).seconds, longest(STEPS, end, high=True).seconds)] for end in ENDS]
    rows = [
        [name, _minutes(step.low, step.high), _minutes(won(STEPS, name, last, high=False), won(STEPS, name, last, high=True)), step.source]
        for name, step in STEPS.items()
        if name in bounding
    ]
    return "\n\n".join(
        [
            "A model of EC2, not a measurement: nothing of this has met an AWS account.",
            document.table(["end", "minutes after `pulumi up` begins"], ends),
            f"What bounds the last, and what making one step instant would win. {_of_the_control_plane(bounding)}",
            document.table(["step", "minutes", "wins", "source"], rows),
        ]
    )


def _of_the_control_plane(bounding: set[str]) -> str:
    found = sorted(name for name in bounding if name.startswith("control plane"))
    return f"Of the control plane: {', '.join(found)}." if found else "Nothing of the control plane does: the Windows machine boots meanwhile."


def _minutes(low: float, high: float) -> str:
    return f"{low / 60:.1f} to {high / 60:.1f}"
