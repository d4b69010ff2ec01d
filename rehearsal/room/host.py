"""The kernel that every machine shares: modules that must be there, and settings that are raised while the room is up."""

import json
import logging
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal.room.errors import RoomError

_log = logging.getLogger(__name__)
_SYSCTLS = Path("/proc/sys")


# What a machine cannot load itself, and the path that shows that it is there, as a module or built in. Everything else that
# Kubernetes and Flannel use, the kernel loads when it is asked for.
_MODULES = {"overlay": "/sys/module/overlay", "br_netfilter": "/proc/sys/net/bridge", "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max"}


def load_modules() -> None:
    missing = [name for name, sign in _MODULES.items() if not Path(sign).exists()]
    if missing and shutil.which("modprobe"):
        subprocess.run(["modprobe", "--all", *missing], check=False)
    if missing := [name for name, sign in _MODULES.items() if not Path(sign).exists()]:
        raise RoomError(f"this kernel lacks {', '.join(missing)}, which the machines need: run on a kernel that has it")


@dataclass(frozen=True, slots=True)
class Setting:
    """`exactly` is for values that a program compares instead of being content with more."""

    key: str
    value: int
    exactly: bool = False


def conntrack_max(cpus: int) -> int:
    """kube-proxy's default (pkg/proxy/apis/config/v1alpha1/defaults.go: 32768 a core, at least 131072).

    It sets the value only where another one stands, and from a machine's namespace it cannot."""
    return max(32768 * cpus, 131072)


def wanted() -> tuple[Setting, ...]:
    return (
        Setting("net/netfilter/nf_conntrack_max", conntrack_max(os.cpu_count() or 1), exactly=True),
        # systemd, kubelet and containerd of every machine watch files as the same user.
        Setting("fs/inotify/max_user_instances", 8192),
        Setting("fs/inotify/max_user_watches", 524288),
    )


def adjust(saved: Path) -> None:
    """Set what is not as it should be, after writing down what was."""
    before = {setting.key: now for setting in wanted() if (now := _read(setting.key)) is not None and _differs(setting, now)}
    saved.write_text(json.dumps(before))
    for setting in wanted():
        if setting.key in before:
            _write(setting.key, setting.value)


def restore(saved: Path) -> None:
    if saved.is_file():
        for key, value in json.loads(saved.read_text()).items():
            _write(key, value)
        saved.unlink()


def _differs(setting: Setting, now: int) -> bool:
    return now != setting.value if setting.exactly else now < setting.value


def _read(key: str) -> int | None:
    """None where the kernel has no such setting, e.g. before conntrack is loaded."""
    try:
        return int((_SYSCTLS / key).read_text())
    except FileNotFoundError:
        return None


def _write(key: str, value: int) -> None:
    try:
        (_SYSCTLS / key).write_text(str(value))
    except OSError as error:
        _log.warning("cannot set %s to %d: %s", key.replace("/", "."), value, error.strerror)
