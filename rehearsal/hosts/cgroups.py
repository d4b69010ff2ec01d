"""Give each machine its own control group, so that its kubelet sees only its own pods.

A kubelet deletes every pod group that it does not know, so two machines in one group would delete each
other's pods. Both hierarchies work: version 2, and version 1 with one tree per controller.
"""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_INHERITED_ON_CREATION = "cgroup.clone_children"  # cpuset v1: a group without CPUs accepts no process
_POLL_SECONDS = 0.02


def is_unified() -> bool:
    return (_MOUNT / "cgroup.controllers").exists()


def create(tag: str, machine: str) -> list[Path]:
    """Create the machine's groups, one per hierarchy, and return their folders."""
    groups = [root / tag / machine for root in _roots()]
    for group in groups:
        group.parent.mkdir(exist_ok=True)
        _delegate(group.parent)
        group.mkdir(exist_ok=True)
    return groups


def pids(tag: str, machine: str = "") -> set[int]:
    """Return every process in the machine's groups, or in all groups of the machine host."""
    found: set[int] = set()
    for root in _roots():
        for file in (root / tag / machine).rglob("cgroup.procs"):
            with suppress(OSError):  # A group may vanish, and a threaded group lists no processes.
                found |= {int(pid) for pid in file.read_text().split()}
    return found


async def kill(tag: str, machine: str = "") -> None:
    """Kill every process in the groups. Membership proves that a process is ours, a recorded id does not."""
    while running := pids(tag, machine):
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_POLL_SECONDS)


def remove(tag: str, machine: str = "") -> None:
    """Remove the empty groups, innermost first, and the host's own group with its last machine."""
    for root in _roots():
        top = root / tag / machine
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(FileNotFoundError):
                os.rmdir(folder)
        with suppress(OSError):  # Other machines are still in it.
            os.rmdir(root / tag)


def _roots() -> list[Path]:
    if is_unified():
        return [_MOUNT]
    return sorted({root.resolve() for root in _MOUNT.iterdir() if (root / "cgroup.procs").exists()})


def _delegate(parent: Path) -> None:
    """Enable every controller below the host's group."""
    if is_unified():
        controllers = (parent / "cgroup.controllers").read_text().split()
        (parent / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    elif (parent / "cpuset.cpus").exists():
        (parent / _INHERITED_ON_CREATION).write_text("1")
        for file in ("cpuset.cpus", "cpuset.mems"):
            (parent / file).write_text((parent.parent / file).read_text())
