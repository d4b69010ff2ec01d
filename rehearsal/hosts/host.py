"""Load kernel modules and raise kernel settings that all machines share, and restore the settings
afterwards.
"""

import json
import logging
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal.hosts.errors import MachineHostError

_log = logging.getLogger(__name__)
_SYSCTLS = Path("/proc/sys")


# Modules that a machine cannot load, and the path that exists once they are loaded or built in. The kernel
# loads all others that Kubernetes and Flannel use on demand.
_MODULES = {
    "overlay": "/sys/module/overlay",
    "br_netfilter": "/proc/sys/net/bridge",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
}


def load_modules() -> None:
    missing = [name for name, sign in _MODULES.items() if not Path(sign).exists()]
    if missing and shutil.which("modprobe"):
        subprocess.run(["modprobe", "--all", *missing], check=False)
    if missing := [name for name, sign in _MODULES.items() if not Path(sign).exists()]:
        raise MachineHostError(
            f"this kernel lacks {', '.join(missing)}, which the machines need: run on a kernel that has it"
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """A kernel setting.

    `exactly` marks values that a program compares; others only have to be large enough.
    """

    key: str
    value: int
    exactly: bool = False


def conntrack_max(cpus: int) -> int:
    """Return kube-proxy's default (pkg/proxy/apis/config/v1alpha1/defaults.go: 32768 per core, at least
    131072).

    kube-proxy writes the setting only if it differs, and from a machine's namespace the write fails.
    """
    return max(32768 * cpus, 131072)


def wanted() -> tuple[Setting, ...]:
    return (
        Setting("net/netfilter/nf_conntrack_max", conntrack_max(os.cpu_count() or 1), exactly=True),
        # systemd, kubelet and containerd of all machines share one user's limit.
        Setting("fs/inotify/max_user_instances", 8192),
        Setting("fs/inotify/max_user_watches", 524288),
    )


def adjust(saved: Path) -> None:
    """Save the settings that differ from the wanted ones, then set them."""
    before = {
        setting.key: now
        for setting in wanted()
        if (now := _read(setting.key)) is not None and _differs(setting, now)
    }
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
    """Read a setting; None if the kernel lacks it, e.g. before conntrack is loaded."""
    try:
        return int((_SYSCTLS / key).read_text())
    except FileNotFoundError:
        return None


def _write(key: str, value: int) -> None:
    try:
        (_SYSCTLS / key).write_text(str(value))
    except OSError as error:
        _log.warning("cannot set %s to %d: %s", key.replace("/", "."), value, error.strerror)
