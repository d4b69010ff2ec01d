"""A control group for each machine: its kubelet sees only what is its own, and nothing in it can outlive it.

Two machines in one group would each delete the pods of the other: kubelet removes every pod's group that it does not know.
Both hierarchies work: version 2, and version 1 with one tree a controller."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_INHERITED_ON_CREATION = "cgroup.clone_children"  # cpuset v1: a group without CPUs takes no process
_POLL_SECONDS = 0.02


def is_unified() -> bool:
    return (_MOUNT / "cgroup.controllers").exists()


def create(room: str, machine: str) -> list[Path]:
    """The machine's groups, one a hierarchy, for the launcher to step into."""
    groups = [root / room / machine for root in _roots()]
    for group in groups:
        group.parent.mkdir(exist_ok=True)
        _delegate(group.parent)
        group.mkdir(exist_ok=True)
    return groups


def pids(room: str, machine: str = "") -> set[int]:
    """Every process in the machine's groups, or in the whole room's."""
    found: set[int] = set()
    for root in _roots():
        for file in (root / room / machine).rglob("cgroup.procs"):
            with suppress(OSError):  # a group may vanish, and a threaded one has no processes to list
                found |= {int(pid) for pid in file.read_text().split()}
    return found


async def kill(room: str, machine: str = "") -> None:
    """End everything in the groups; membership, unlike a recorded number, proves that a process is ours."""
    while running := pids(room, machine):
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_POLL_SECONDS)


def remove(room: str, machine: str = "") -> None:
    """Remove the empty groups, innermost first; the room's own goes with its last machine."""
    for root in _roots():
        top = root / room / machine
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(FileNotFoundError):
                os.rmdir(folder)
        with suppress(OSError):  # other machines are still in it
            os.rmdir(root / room)


def _roots() -> list[Path]:
    if is_unified():
        return [_MOUNT]
    return sorted({root.resolve() for root in _MOUNT.iterdir() if (root / "cgroup.procs").exists()})


def _delegate(parent: Path) -> None:
    """Make every controller available below the room's group."""
    if is_unified():
        controllers = (parent / "cgroup.controllers").read_text().split()
        (parent / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    elif (parent / "cpuset.cpus").exists():
        (parent / _INHERITED_ON_CREATION).write_text("1")
        for file in ("cpuset.cpus", "cpuset.mems"):
            (parent / file).write_text((parent.parent / file).read_text())
