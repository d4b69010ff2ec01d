"""Create, configure and enter network namespaces with iproute2."""

import asyncio
import ctypes
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from rehearsal.hosts.errors import MachineHostError

NAMED = Path("/run/netns")  # where iproute2 keeps the names
_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns exists only from Python 3.12 on


async def run(*command: str, stdin: str = "") -> str:
    """Run a program of the host and return its output; MachineHostError has its stderr."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin.encode())
    if process.returncode:
        reason = errors.decode(errors="replace").strip()
        raise MachineHostError(f"`{' '.join(command)}` failed with exit code {process.returncode}: {reason}")
    return output.decode()


async def add(name: str) -> None:
    await run("ip", "netns", "add", name)


async def delete(name: str) -> None:
    """Delete the namespace. Its interfaces and their veth peers go when the last process in it has ended."""
    await run("ip", "netns", "delete", name)


async def configure(name: str, commands: Iterable[str]) -> None:
    """Run `ip` commands in a namespace, all in one process."""
    await run("ip", "-netns", name, "-batch", "-", stdin="\n".join(commands) + "\n")


def named(prefix: str) -> list[str]:
    """Return the namespaces with this prefix."""
    return sorted(path.name for path in NAMED.glob(f"{prefix}*")) if NAMED.is_dir() else []


@contextmanager
def inside(name: str) -> Generator[None]:
    """Run a block in a namespace; sockets created there stay there.

    Only the calling thread moves: no `await` in the block.
    """
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
    """Set kernel settings of the namespace (below net/)."""
    with inside(name):
        for key, value in values.items():
            Path("/proc/sys/net", key).write_text(value)


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot enter the network namespace: {os.strerror(code)}")
