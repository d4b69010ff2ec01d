"""Which system a pod is for, by all that it says, and what contradicts that.

Some signs decide: where the pod may be placed, spec.os.name (the API server and the kubelet hold a pod to it), and an image
whose name says Windows. The others count where none of those is there: only a Windows pod has a use for windowsOptions, only
Windows has a powershell.exe, only Linux has a /bin/sh.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import placement, programs
from .placement import LINUX, WINDOWS
from .values import dig, mapping, text

if TYPE_CHECKING:
    from .subjects import Pod

TOLERATION = "the toleration of os=windows"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\[.?]\\pipe\\", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that a pod says, and the system that it says it of."""

    system: str
    what: str
    decides: bool = False


def of(pod: "Pod") -> list[Sign]:
    """Everything that the pod says of its system."""
    return [*_deciding(pod), *_supporting(pod)]


def is_windows(signs: Iterable[Sign]) -> bool:
    """Whether the pod is for Windows: what decides goes first, and Windows before Linux, as its rules name the contradiction."""
    signs = list(signs)
    deciding = {sign.system for sign in signs if sign.decides}
    if deciding:
        return WINDOWS in deciding
    windows = [sign for sign in signs if sign.system == WINDOWS]
    return bool(windows) and (windows[0].what != TOLERATION or all(sign.system == WINDOWS for sign in signs))


def named(signs: Iterable[Sign], system: str) -> str:
    """What says that a pod is for a system, as a list for a sentence."""
    return ", ".join(dict.fromkeys(sign.what for sign in signs if sign.system == system))


def _deciding(pod: "Pod") -> Iterator[Sign]:
    if pod.os_name in (LINUX, WINDOWS):
        yield Sign(pod.os_name, "spec.os.name", decides=True)
    if len(pod.systems) == 1:
        yield Sign(next(iter(pod.systems)), "the node selector or affinity", decides=True)
    for container in pod.containers:
        if container.image.is_windows:
            yield Sign(WINDOWS, f"the image of {container.where}", decides=True)


def _supporting(pod: "Pod") -> Iterator[Sign]:
    if mapping(dig(pod.spec, "securityContext", "windowsOptions")):
        yield Sign(WINDOWS, "windowsOptions of the pod")
    for container in pod.containers:
        if mapping(container.security.get("windowsOptions")):
            yield Sign(WINDOWS, f"windowsOptions of {container.where}")
        for part, command in container.commands():
            if programs.is_windows(command):
                yield Sign(WINDOWS, f"{part} {command[0][:40]} of {container.where}")
            elif program := programs.linux_program(command, container.image.repository):
                yield Sign(LINUX, f"{part} {program[:40]} of {container.where}")
        for mount in container.mounts:
            if _DRIVE.match(text(mount.get("mountPath"))):
                yield Sign(WINDOWS, f"a mount at {text(mount.get('mountPath'))[:40]} of {container.where}")
        if container.image.is_linux:
            yield Sign(LINUX, f"the image of {container.where}")
    for volume in pod.volumes:
        if _DRIVE.match(text(dig(volume, "hostPath", "path"))):
            yield Sign(WINDOWS, f"hostPath {text(dig(volume, 'hostPath', 'path'))[:40]}")
    if any(t.get("key") == placement.TAINT["key"] and t.get("value") == placement.TAINT["value"] for t in pod.tolerations):
        yield Sign(WINDOWS, TOLERATION)
