"""Remove the remains of a machine host.

All names derive from the state folder. Processes are found by the host's control groups: an id may have been
given to another process since.
"""

import asyncio
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

from rehearsal.hosts import cgroups, host, linux, netns
from rehearsal.hosts.errors import MachineHostError
from rehearsal.hosts.layout import Layout

_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05


@contextmanager
def locked(layout: Layout) -> Generator[None]:
    """Hold the lock of the state folder for the block, so that a second host or a clean-up is refused."""
    layout.state.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as lock:
        if not _locked(lock):
            raise MachineHostError(
                f"a machine host is running in {layout.state}; end it, or give another --state"
            )
        yield


async def stop_running(layout: Layout) -> None:
    """End the host of this folder if one runs. Its lock proves that the recorded process is the host."""
    if not layout.lock.exists():
        return
    with layout.lock.open("r+") as lock:
        if _locked(lock):
            return
        os.kill(_recorded_pid(layout), signal.SIGTERM)
        for _ in range(int(_STOP_SECONDS / _POLL_SECONDS)):
            await asyncio.sleep(_POLL_SECONDS)
            if _locked(lock):
                return
    raise MachineHostError(
        f"the machine host in {layout.state} did not end within {_STOP_SECONDS:.0f} s of SIGTERM"
    )


async def remove_remains(layout: Layout) -> list[str]:
    """Remove everything of a host that no longer runs; return descriptions of what was found."""
    found = [f"namespace {name}" for name in netns.named(layout.tag)]
    found += [f"process {pid}" for pid in sorted(cgroups.pids(layout.tag))]
    await cgroups.kill(layout.tag)
    cgroups.remove(layout.tag)
    for name in netns.named(layout.tag):
        await netns.delete(name)
    for folder in sorted([*layout.machines.glob("*"), *layout.trash.glob("*")]):
        found.append(f"disk of {folder.name}")
        shutil.rmtree(folder)
        linux.forget(folder.name)
    host.restore(layout.sysctls)
    layout.record.unlink(missing_ok=True)
    return found


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _recorded_pid(layout: Layout) -> int:
    try:
        return int(json.loads(layout.record.read_text())["pid"])
    except FileNotFoundError:
        raise MachineHostError(
            f"the machine host in {layout.state} is starting or ending; try again in a moment"
        ) from None
