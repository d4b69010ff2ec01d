"""Which system a pod is for, by all that it says, and what contradicts that.

Some signs decide: where the pod may be placed, spec.os.name (the API server and the kubelet hold a pod to
it), and an image whose name says Windows. The others count where none of those is there: only a Windows pod
has a use for windowsOptions, only Windows has a powershell.exe, only Linux has a /bin/sh. Weak ones count
where nothing else speaks for Linux.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import host_paths, placement, programs
from .placement import LINUX, WINDOWS
from .values import dig, items, mapping, text, texts

if TYPE_CHECKING:
    from .subjects import Container, Pod


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that a pod says, and the system that it says it of."""

    system: str
    what: str
    decides: bool = False
    weak: bool = False


def of(pod: "Pod") -> list[Sign]:
    """Everything that the pod says of its system."""
    return [*_deciding(pod), *_supporting(pod)]


def is_windows(signs: Iterable[Sign]) -> bool:
    """Whether the pod is for Windows: what decides goes first, and Windows before Linux, as its rules name
    the contradiction.
    """
    signs = list(signs)
    deciding = {sign.system for sign in signs if sign.decides}
    if deciding:
        return WINDOWS in deciding
    windows = [sign for sign in signs if sign.system == WINDOWS]
    return any(not sign.weak for sign in windows) or (
        bool(windows) and all(sign.system == WINDOWS for sign in signs)
    )


def contradict(signs: Iterable[Sign]) -> bool:
    """Whether something that is more than a hint speaks for another system than the one that the pod is
    taken for.
    """
    signs = list(signs)
    if is_windows(signs):
        return any(sign.system == LINUX for sign in signs) and not any(sign.decides for sign in signs)
    return any(sign.system == WINDOWS and not sign.weak for sign in signs)


def named(signs: Iterable[Sign], system: str) -> str:
    """List the signs that a pod is for a system, for a sentence."""
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
    if pod.handler.startswith(placement.HANDLERS_OF_WINDOWS):
        yield Sign(WINDOWS, f"the handler {pod.handler[:40]} of its runtime class")
    for label in placement.labels_named_after_windows(pod.selector, pod.spec):
        yield Sign(WINDOWS, f"the selected label {label[:60]}")
    if LINUX not in placement.preferred(pod.spec):
        yield Sign(WINDOWS, "the preferred node affinity")
    for container in pod.containers:
        yield from _of_container(container)
    for volume in pod.volumes:
        path = text(dig(volume, "hostPath", "path"))
        if host_paths.is_windows(path):
            yield Sign(WINDOWS, f"hostPath {path[:40]}")
        elif host_paths.is_linux(path):
            yield Sign(LINUX, f"hostPath {path[:40]}")
    if any(
        t.get("key") == placement.TAINT["key"] and t.get("value") == placement.TAINT["value"]
        for t in pod.tolerations
    ):
        yield Sign(WINDOWS, "the toleration of os=windows", weak=True)


def _of_container(container: "Container") -> Iterator[Sign]:
    where = container.where
    if mapping(container.security.get("windowsOptions")):
        yield Sign(WINDOWS, f"windowsOptions of {where}")
    if items(dig(container.security, "capabilities", "add")):
        yield Sign(LINUX, f"capabilities of {where}")
    for part, command in container.commands():
        if programs.is_windows(command):
            yield Sign(WINDOWS, f"{part} {command[0][:40]} of {where}")
        elif program := programs.linux_program(command, container.image.repository):
            yield Sign(LINUX, f"{part} {program[:40]} of {where}")
    words = texts(container.raw.get("args"))
    if programs.is_windows(words) and not texts(container.raw.get("command")):
        yield Sign(WINDOWS, f"args {words[0][:40]} of {where}")
    elif any(host_paths.is_windows(word.rpartition("=")[2]) for word in words):
        yield Sign(WINDOWS, f"a path in args of {where}", weak=True)
    for path in (container.raw.get("workingDir"), *(mount.get("mountPath") for mount in container.mounts)):
        if host_paths.is_windows(text(path)):
            yield Sign(WINDOWS, f"the path {text(path)[:40]} of {where}")
    if container.image.is_linux:
        yield Sign(LINUX, f"the image of {where}")
    elif container.image.sounds_windows and not container.image.is_windows:
        yield Sign(WINDOWS, f"the name of the image of {where}", weak=True)
