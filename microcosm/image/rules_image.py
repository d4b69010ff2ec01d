"""Rules on an image that is already made: whether the nodes of a stack can pull, hold and start it."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from infra.config.operating_systems import OPERATING_SYSTEMS
from infra.lint import NODE_BUILDS

from . import bases, image_facts
from .findings import Finding, refused, told, warned
from .oci import Image

# Layers are unpacked on the node: three times their packed size, and Windows' own 20 GB, are on its disk.
_TAG_DATE = re.compile(r"-(\d{4})(\d\d)\d\d-")
_MOST_MONTHS = 12
_UNPACKED, _WINDOWS_GB = 3, 20


def check(name: str, found: Sequence[Image], release: str) -> Iterator[Finding]:
    windows = [one for one in found if one.config.get("os") == "windows"]
    if not windows:
        yield refused("image-system", name, "it is not for Windows", "build it on a Windows base")
        return
    runs = NODE_BUILDS[bases.build(release)].runs
    fitting = [one for one in windows if one.build.rpartition(".")[0] in runs or one.build in runs]
    if not fitting:
        builds = ", ".join(sorted(one.build or "no build" for one in windows))
        yield refused(
            "image-build",
            name,
            f"it is for {builds}, and Windows Server {release} runs {bases.build(release)}",
            "build it with --windows " + release,
        )
        return
    yield from _one(name, fitting[0], release)


def _one(name: str, image: Image, release: str) -> Iterator[Finding]:
    config: dict[str, Any] = image.config.get("config") or {}
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    if image.config.get("architecture") != "amd64":
        yield refused(
            "image-platform",
            name,
            f"it is for {image.config.get('architecture')}, and the nodes are amd64",
            "build it for amd64",
        )
    if not command:
        yield refused(
            "image-entrypoint",
            name,
            "it says nothing to start: no entrypoint and no command",
            "set ENTRYPOINT, or `command` in the manifest",
        )
    if sum("servicemonitor" in word.lower() for word in command) > 1:
        what = "ServiceMonitor is named twice, takes the second for an application pool and ends (error 4312)"
        yield refused("image-entrypoint", name, what, "name it in ENTRYPOINT alone")
    pools = _pools(command)
    if pools:
        what = (
            f"ServiceMonitor takes {pools[0]} for an application pool, and ends if there is none (error 4312)"
        )
        yield refused("image-entrypoint", name, what, "give it w3svc alone, and no CMD beside it")
    if image_facts.of(image) is None and any("logmonitor" in word.lower() for word in command):
        what = "it starts LogMonitor, whose versions before 2.2 crash and take the container with them"
        yield warned("image-logmonitor", name, what, "see that it has 2.2 or newer")
    service_monitor = any("servicemonitor" in word.lower() for word in command)
    if service_monitor and (config.get("User") or "").lower() == "containeruser":
        yield refused(
            "containeruser-iis",
            name,
            "ServiceMonitor fails as ContainerUser (80070005)",
            "remove USER: requests are served by the pool's identity",
        )
    if image_facts.of(image) is None and service_monitor:
        yield warned(
            "image-settings",
            name,
            "it starts ServiceMonitor alone: variables do not reach web.config",
            "build it with `microcosm image build`",
        )
    gigabytes = image.size / 1e9
    disk = OPERATING_SYSTEMS[f"windows-{release}"].default_disk_gb
    if gigabytes * _UNPACKED + _WINDOWS_GB > disk:
        yield warned(
            "image-size",
            name,
            f"{gigabytes:.1f} GB packed may not fit on a node's disk of {disk} GB",
            "give the pool a larger disk",
        )
    yield from _patches(name, image, release)
    for known, level in sorted((image_facts.of(image) or {}).get("findings", {}).items()):
        yield told("built-with", name, f"built with the finding {known} ({level})")


def _patches(name: str, image: Image, release: str) -> Iterator[Finding]:
    """Compare the date of the base with that of the stack's own image for this Windows.

    Patches of one build run on each other, but 32-bit processes once failed with 0xc0000139 (KB4542617,
    microsoft/Windows-Containers issue 591).
    """
    ours = _TAG_DATE.search(OPERATING_SYSTEMS[f"windows-{release}"].wcf_image)
    times = [image.config.get("created"), *(one.get("created") for one in image.config.get("history") or [])]
    theirs = max((str(one)[:10] for one in times if one), default="")
    if ours and theirs > "1970-01-01":
        months = (int(ours[1]) - int(theirs[:4])) * 12 + int(ours[2]) - int(theirs[5:7])
        if months > _MOST_MONTHS:
            what = (
                f"its base is of {theirs[:7]}, {months} months before the stack's: other patches of Windows"
            )
            yield warned("image-patches", name, what, "build it again on a current base")


def _pools(command: Sequence[str]) -> list[str]:
    """Return the words that ServiceMonitor would take for a pool other than IIS's own."""
    words = [word.lower() for word in command]
    monitors = [at for at, word in enumerate(words) if "servicemonitor" in word]
    if len(monitors) != 1 or words[monitors[0] + 1 : monitors[0] + 2] != ["w3svc"]:
        return []
    return [word for word in command[monitors[0] + 2 :] if word.lower() != "defaultapppool"]
