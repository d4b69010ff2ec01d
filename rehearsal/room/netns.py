"""Network namespaces: made and removed with iproute2, entered for the making of a socket."""

import asyncio
import ctypes
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from rehearsal.room.errors import RoomError

NAMED = Path("/run/netns")  # where iproute2 keeps its names
_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns exists only from Python 3.12 on


async def run(*command: str, stdin: str = "") -> str:
    """Run a program of the host to its end; what it says on stderr becomes the error."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin.encode())
    if process.returncode:
        raise RoomError(f"`{' '.join(command)}` failed with exit code {process.returncode}: {errors.decode(errors='replace').strip()}")
    return output.decode()


async def add(name: str) -> None:
    await run("ip", "netns", "add", name)


async def delete(name: str) -> None:
    """Its interfaces, and the other ends of its veth pairs, follow when the last process in it has ended."""
    await run("ip", "netns", "delete", name)


async def configure(name: str, commands: Iterable[str]) -> None:
    """Run `ip` commands inside a namespace, all in one process."""
    await run("ip", "-netns", name, "-batch", "-", stdin="\n".join(commands) + "\n")


def named(prefix: str) -> list[str]:
    """The namespaces whose name begins like this."""
    return sorted(path.name for path in NAMED.glob(f"{prefix}*")) if NAMED.is_dir() else []


@contextmanager
def inside(name: str) -> Generator[None]:
    """Run a block in a namespace: sockets made there stay there. Only the calling thread moves, so no `await` in the block."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(NAMED / name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(there)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(there)
        os.close(home)


def set_sysctls(name: str, values: dict[str, str]) -> None:
    """Set kernel settings that belong to the namespace (below net/)."""
    with inside(name):
        for key, value in values.items():
            Path("/proc/sys/net", key).write_text(value)


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot enter the network namespace: {os.strerror(code)}")
