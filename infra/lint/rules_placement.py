"""Rules on where a pod lands: on the right operating system, past the taint."""

from collections.abc import Iterator

from . import placement, signs
from .rule import Rule, Severity
from .subjects import Pod

GUIDE = "https://kubernetes.io/docs/concepts/windows/user-guide/"
TAINTS = f"{GUIDE}#taints-and-tolerations"
LABELS = "https://kubernetes.io/docs/reference/labels-annotations-taints/"
TOLERATION = "{key: os, operator: Equal, value: windows, effect: NoSchedule}"


def os_mismatch(pod: Pod) -> Iterator[str]:
    if not pod.systems:
        yield "the node selector or affinity asks for a node that cannot exist"
    if absent := placement.no_builds(pod.selector, pod.spec):
        yield f"it asks for the Windows build {', '.join(absent)[:60]}, which no node has"
    if linux := signs.named([sign for sign in pod.signs if sign.decides], placement.LINUX):
        yield (
            f"the signs contradict each other: for Linux speaks {linux}; for Windows "
            f"{signs.named(pod.signs, placement.WINDOWS)}"
        )


def os_signs(pod: Pod) -> Iterator[str]:
    if signs.contradict(pod.signs):
        taken, other = (
            (placement.WINDOWS, placement.LINUX) if pod.is_windows else (placement.LINUX, placement.WINDOWS)
        )
        speaks = signs.named(pod.signs, taken) or "nothing"
        yield (
            f"taken for a {taken.capitalize()} pod: for {taken.capitalize()} speaks {speaks}; "
            f"for {other.capitalize()} {signs.named(pod.signs, other)}"
        )


def node_selector(pod: Pod) -> Iterator[str]:
    if pod.systems == placement.ANY_SYSTEM and not pod.placed_elsewhere:
        yield f"neither nodeSelector nor a required node affinity asks for {placement.OS_LABEL}: windows"


def toleration(pod: Pod) -> Iterator[str]:
    if not placement.tolerates_windows(pod.tolerations) and not pod.placed_elsewhere:
        yield "nothing tolerates the taint os=windows:NoSchedule"


def linux_everywhere(pod: Pod) -> Iterator[str]:
    if (
        placement.WINDOWS in pod.systems
        and placement.tolerates_windows(pod.tolerations)
        and not pod.placed_elsewhere
    ):
        yield (
            f"a pod that is not for Windows tolerates os=windows:NoSchedule and no selector keeps it on "
            f"{placement.OS_LABEL}: linux"
        )


def os_name(pod: Pod) -> Iterator[str]:
    if not pod.os_name:
        yield "spec.os.name is not set"


def beta_label(pod: Pod) -> Iterator[str]:
    if placement.BETA_OS_LABEL in placement.label_keys(pod.selector, pod.spec):
        yield f"selects nodes by the label {placement.BETA_OS_LABEL}"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="os-mismatch",
        severity=_E,
        what="a Windows pod that also says Linux",
        why="A container runs only on nodes of its own operating system.",
        page=f"{GUIDE}#ensuring-os-specific-workloads-land-on-the-appropriate-container-host",
        fix="let spec.os.name, the image and nodeSelector kubernetes.io/os say the same system",
        check=os_mismatch,
    ),
    Rule(
        id="node-selector",
        severity=_E,
        what="a Windows pod without a selector for Windows nodes",
        why="The scheduler ignores spec.os.name and the image: without a selector the pod may land on a "
        "Linux node, where it cannot start.",
        page=f"{GUIDE}#ensuring-os-specific-workloads-land-on-the-appropriate-container-host",
        fix="nodeSelector: {kubernetes.io/os: windows}",
        check=node_selector,
    ),
    Rule(
        id="toleration",
        severity=_E,
        what="a Windows pod that the taint of the Windows nodes keeps out",
        why="Windows nodes are tainted so that Linux pods stay away; a pod without the toleration stays "
        "Pending.",
        page=TAINTS,
        fix=f"tolerations: [{TOLERATION}]",
        check=toleration,
    ),
    Rule(
        id="os-name",
        severity=_W,
        what="a Windows pod that does not say so",
        why="With spec.os.name the API server refuses Linux-only fields at once, and Pod Security leaves "
        "them out of what it demands.",
        page=TAINTS,
        fix="os: {name: windows}",
        check=os_name,
    ),
    Rule(
        id="beta-label",
        severity=_W,
        what="the deprecated beta label of the operating system",
        why="The label has been deprecated since Kubernetes 1.14.",
        page=f"{LABELS}#beta-kubernetes-io-os",
        fix=f"use {placement.OS_LABEL}",
        check=beta_label,
    ),
)

LINUX_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="linux-everywhere",
        severity=_E,
        what="a Linux pod that tolerates the Windows taint without a selector",
        why="The taint is what keeps Linux pods off Windows nodes; a pod that tolerates everything lands "
        "there and cannot start.",
        page=TAINTS,
        fix="nodeSelector: {kubernetes.io/os: linux}",
        check=linux_everywhere,
    ),
)

EVERY_POD_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="os-signs",
        severity=_W,
        what="signs of both systems in a pod",
        why="Nothing that decides contradicts itself, so this runs somewhere; but one of the signs is in "
        "vain, or the selector is wrong or missing.",
        page=f"{GUIDE}#ensuring-os-specific-workloads-land-on-the-appropriate-container-host",
        fix="let spec.os.name and nodeSelector kubernetes.io/os say the system",
        check=os_signs,
    ),
)
