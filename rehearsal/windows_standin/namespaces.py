"""What makes the process part of the instance: its network, and the resolver that its subnet would hand out."""

import ctypes
import os
from pathlib import Path

from rehearsal.windows_standin.errors import InputError
from rehearsal.windows_standin.shell import run

# linux/sched.h; os.setns and os.unshare exist only from Python 3.12 on.
_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_NAMED = Path("/run/netns")  # where `ip netns` keeps its names
_RESOLV_CONF = Path("/etc/resolv.conf")


def enter_network(namespace: str) -> None:
    """Move the process (before it has threads) into the instance's network: a name of `ip netns`, or a path."""
    path = Path(namespace) if "/" in namespace else _NAMED / namespace
    if not path.exists():
        raise InputError(f"--netns {namespace}: {path} does not exist; give a name that `ip netns list` shows, or a path")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("setns", descriptor, _CLONE_NEWNET)
    finally:
        os.close(descriptor)


def use_resolver(address: str, state: Path) -> None:
    """Ask the VPC's resolver for names, as every machine in it does; the host's own file stays as it is for all others."""
    own = state / "resolv.conf"
    own.write_text(f"nameserver {address}\n")
    _call("unshare", _CLONE_NEWNS)
    run("mount", "--make-rprivate", "/")
    run("mount", "--bind", str(own), str(_RESOLV_CONF.resolve()))


def _call(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{function} for the instance's namespaces: {os.strerror(code)}; this must run as root")
