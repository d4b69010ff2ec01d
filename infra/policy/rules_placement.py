"""Rules on where a pod lands: the right operating system, past the taint, on a build that starts its image."""

from collections.abc import Iterator

from . import images, placement
from .rule import Rule, Severity
from .subjects import Pod

GUIDE = "https://kubernetes.io/docs/concepts/windows/user-guide/"
TAINTS = f"{GUIDE}#taints-and-tolerations"
COMPATIBILITY = "https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility"
LABELS = "https://kubernetes.io/docs/reference/labels-annotations-taints/"
TOLERATION = "{key: os, operator: Equal, value: windows, effect: NoSchedule}"


def os_mismatch(pod: Pod) -> Iterator[str]:
    if placement.WINDOWS not in pod.systems:
        asked = "only Linux nodes" if pod.systems else "a node that cannot exist"
        yield f"the pod is for Windows but its node selector or affinity asks for {asked}"
    if pod.os_name == placement.LINUX:
        yield "spec.os.name is linux but the node selector, the affinity or an image is for Windows"


def node_selector(pod: Pod) -> Iterator[str]:
    if pod.systems == placement.ANY_SYSTEM and not pod.placed_elsewhere:
        yield f"neither nodeSelector nor a required node affinity asks for {placement.OS_LABEL}: windows"


def toleration(pod: Pod) -> Iterator[str]:
    if not placement.tolerates_windows(pod.tolerations) and not pod.placed_elsewhere:
        yield "nothing tolerates the taint os=windows:NoSchedule"


def linux_everywhere(pod: Pod) -> Iterator[str]:
    if placement.WINDOWS in pod.systems and placement.tolerates_windows(pod.tolerations) and not pod.placed_elsewhere:
        yield f"a pod that is not for Windows tolerates os=windows:NoSchedule and no selector keeps it on {placement.OS_LABEL}: linux"


def os_name(pod: Pod) -> Iterator[str]:
    if not pod.os_name:
        yield "spec.os.name is not set"


def beta_label(pod: Pod) -> Iterator[str]:
    if placement.BETA_OS_LABEL in placement.label_keys(pod.selector, pod.spec):
        yield f"selects nodes by the label {placement.BETA_OS_LABEL}"


def image_build(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        build = container.image.build
        refusing = [node for node in pod.builds if build and build not in images.NODE_BUILDS[node].runs]
        if refusing and not container.host_process:
            yield f"{container.where}: the image is for {images.describe(build)}, the node is {' or '.join(map(images.describe, refusing))}"


def image_tag(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        image = container.image
        if image.repository and not (image.is_windows or image.build or image.digest or container.host_process):
            says = "sounds like Linux" if image.is_linux else "names no Windows build"
            yield f"{container.where}: the image {image.repository}{':' if image.tag else ''}{image.tag} {says}"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="os-mismatch",
        severity=_E,
        what="a Windows pod that is sent to Linux nodes",
        why="A container runs only on nodes of its own operating system.",
        page=f"{GUIDE}#ensuring-os-specific-workloads-land-on-the-appropriate-container-host",
        fix="let spec.os.name, the image and nodeSelector kubernetes.io/os say the same system",
        check=os_mismatch,
    ),
    Rule(
        id="node-selector",
        severity=_E,
        what="a Windows pod without a selector for Windows nodes",
        why="The scheduler ignores spec.os.name and the image: without a selector the pod may land on a Linux node, where it cannot start.",
        page=f"{GUIDE}#ensuring-os-specific-workloads-land-on-the-appropriate-container-host",
        fix="nodeSelector: {kubernetes.io/os: windows}",
        check=node_selector,
    ),
    Rule(
        id="toleration",
        severity=_E,
        what="a Windows pod that the taint of the Windows nodes keeps out",
        why="Windows nodes are tainted so that Linux pods stay away; a pod without the toleration stays Pending.",
        page=TAINTS,
        fix=f"tolerations: [{TOLERATION}]",
        check=toleration,
    ),
    Rule(
        id="os-name",
        severity=_W,
        what="a Windows pod that does not say so",
        why="With spec.os.name the API server refuses Linux-only fields at once, and Pod Security leaves them out of what it demands.",
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
    Rule(
        id="image-build",
        severity=_E,
        what="an image of another Windows build than the node's",
        why="Windows starts a process-isolated container only if image and node are of one build (Windows Server 2025 also runs ltsc2022).",
        page=COMPATIBILITY,
        fix="use the image's tag for the node's build, or select nodes by node.kubernetes.io/windows-build",
        check=image_build,
    ),
    Rule(
        id="image-tag",
        severity=_W,
        what="an image whose name does not say that it is for Windows",
        why="Whether there is one for the node's build is seen only when the node pulls it.",
        page=f"{GUIDE}#handling-multiple-windows-versions-in-the-same-cluster",
        fix="name the build in the tag (…-ltsc2019), pin a digest, or ignore this for an image published for several systems",
        check=image_tag,
    ),
)

LINUX_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="linux-everywhere",
        severity=_E,
        what="a Linux pod that tolerates the Windows taint without a selector",
        why="The taint is what keeps Linux pods off Windows nodes; a pod that tolerates everything lands there and cannot start.",
        page=TAINTS,
        fix="nodeSelector: {kubernetes.io/os: linux}",
        check=linux_everywhere,
    ),
)
