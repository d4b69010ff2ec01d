"""Removes what a room left behind: everything is found by names that derive from the state folder, and proves itself ours.

Processes are those in the room's control groups, whatever their ids: an id that was used again can never be mistaken."""

import asyncio
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

from rehearsal.room import cgroups, host, linux, netns
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import Layout

_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05


@contextmanager
def holding(layout: Layout) -> Generator[None]:
    """The state folder is ours for the block: a second room, or a clean, waits outside."""
    layout.state.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as lock:
        if not _locked(lock):
            raise RoomError(f"a room is running in {layout.state}; end it, or give another --state")
        yield


async def stop_running(layout: Layout) -> None:
    """End the room of this folder, if one runs. Its lock proves that the recorded process is really it."""
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
    raise RoomError(f"the room in {layout.state} did not end within {_STOP_SECONDS:.0f} s of SIGTERM")


async def remove_left_overs(layout: Layout) -> list[str]:
    """Remove everything of a room that no longer runs; what there was, for the log."""
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
        raise RoomError(f"the room in {layout.state} is only just starting or ending; try again in a moment") from None
