"""A Linux machine: a systemd-nspawn container with an overlay of the base image as its disk."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rehearsal.hosts import cgroups, disk
from rehearsal.hosts.layout import MachinePaths
from rehearsal.hosts.machine import Program, send
from rehearsal.hosts.model import Instance
from rehearsal.hosts.reconcile import Status

_BOOT = Path(__file__).parent / "boot-machine.sh"
_NSPAWN = Path("/run/systemd/nspawn")
_REBOOT = signal.SIGRTMIN + 5  # systemd(1), SIGNALS
# nspawn's exit code for a container that wants to reboot if the caller keeps the unit (--keep-unit)
_REBOOTING = 133


@dataclass(frozen=True, slots=True)
class Linux:
    base: Path
    ca: bytes
    grace_seconds: float = 0.0

    def prepare(self, instance: Instance, paths: MachinePaths) -> None:
        disk.prepare(paths, instance, self.base, self.ca)

    def program(self, instance: Instance, paths: MachinePaths, namespace: str) -> Program:
        return Program(
            command=("unshare", "--mount", "--propagation", "slave", "/bin/sh", _BOOT),
            environment={
                "INSTANCE": instance.id,
                "NAME": instance.hostname,
                "NAMESPACE": namespace,
                "FOLDER": str(paths.folder),
                "BASE": str(self.base),
                "UNIFIED": "1" if cgroups.is_unified() else "0",
            },
            log=paths.console,
        )

    def status_after(self, exit_code: int) -> Status:
        """Return OFF after a reboot, which ends the container: the host boots the same disk again with a new
        network.
        """
        return Status.OFF if exit_code == _REBOOTING else Status.ENDED

    def leader(self, pid: int) -> int | None:
        """Return nspawn's child that is the machine's PID 1."""
        with suppress(OSError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return next((int(child) for child in children if _is_init(int(child))), None)
        return None

    def reboot(self, leader: int) -> bool:
        send(leader, _REBOOT)
        return True

    def ended(self, instance: Instance) -> None:
        forget(instance.id)

    def keep_logs(self, paths: MachinePaths, logs: Path) -> None:
        disk.keep_logs(paths, logs)


def forget(instance_id: str) -> None:
    """Remove nspawn's folder of a machine, which remains when nspawn is killed."""
    with suppress(FileNotFoundError):
        os.rmdir(_NSPAWN / "propagate" / instance_id)


def _is_init(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
    return len(ids) > 2 and ids[-1] == "1"
