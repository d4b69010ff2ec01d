"""Rules on images: of the node's build, under a tag that exists."""

from collections.abc import Iterator

from . import images, placement
from .rule import Rule, Severity
from .subjects import Pod

GUIDE = "https://kubernetes.io/docs/concepts/windows/user-guide/"
COMPATIBILITY = (
    "https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility"
)
BASE_IMAGES = (
    "https://learn.microsoft.com/virtualization/windowscontainers/manage-containers/container-base-images"
)


def image_build(pod: Pod) -> Iterator[str]:
    if pod.handler not in ("", placement.HANDLER):
        return
    for container in pod.containers:
        build = container.image.build
        refusing = [node for node in pod.builds if build and build not in images.NODE_BUILDS[node].runs]
        if refusing and not container.host_process:
            nodes = " or ".join(map(images.describe, refusing))
            yield f"{container.where}: the image is for {images.describe(build)}, the node is {nodes}"


def base_image_tag(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if container.image.is_base and container.image.names_no_build:
            yield f"{container.where}: the image {container.image.written}"


def latest_image(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        image = container.image
        if image.is_microsofts and image.is_latest and not image.is_base:
            yield f"{container.where}: the image {image.written}"


def image_tag(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        image = container.image
        if image.repository and not (
            image.is_windows or image.build or image.digest or container.host_process
        ):
            says = "sounds like Linux" if image.is_linux else "names no Windows build"
            yield f"{container.where}: the image {image.written} {says}"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="image-build",
        severity=_E,
        what="an image of another Windows build than the node's",
        why="Windows starts a process-isolated container only if image and node are of one build (Windows "
        "Server 2025 also runs ltsc2022).",
        page=COMPATIBILITY,
        fix="use the image's tag for the node's build, or select nodes by node.kubernetes.io/windows-build",
        check=image_build,
    ),
    Rule(
        id="base-image-tag",
        severity=_E,
        what="a base image of Windows without a tag that names a build",
        why="Microsoft publishes no `latest` of its base images, and every tag of them names a build: the "
        "pull fails on every node.",
        page=BASE_IMAGES,
        fix="name the node's build, e.g. mcr.microsoft.com/windows/servercore:ltsc2022",
        check=base_image_tag,
    ),
    Rule(
        id="latest-image",
        severity=_W,
        what="an image of Microsoft's for Windows without a tag",
        why="`latest` is of one build of Windows and moves on: nodes of another build cannot start it.",
        page=COMPATIBILITY,
        fix="name the node's build in the tag, e.g. …:windowsservercore-ltsc2022",
        check=latest_image,
    ),
    Rule(
        id="image-tag",
        severity=_W,
        what="an image whose name does not say that it is for Windows",
        why="Whether there is one for the node's build is seen only when the node pulls it.",
        page=f"{GUIDE}#handling-multiple-windows-versions-in-the-same-cluster",
        fix="name the build in the tag (…-ltsc2019), pin a digest, or ignore this for an image published "
        "for several systems",
        check=image_tag,
    ),
)
