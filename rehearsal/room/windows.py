"""A Windows instance: the stand-in, in the instance's network namespace. It is not Windows and says so itself."""

import logging
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rehearsal.room.layout import Layout, MachinePaths
from rehearsal.room.machine import Program
from rehearsal.room.model import Instance
from rehearsal.room.reconcile import Status

_log = logging.getLogger(__name__)

_MODULE = "rehearsal.windows_standin"


@dataclass(frozen=True, slots=True)
class Windows:
    layout: Layout
    grace_seconds: float = 1.0

    def prepare(self, instance: Instance, paths: MachinePaths) -> None:
        if find_spec(_MODULE) is None:
            _log.warning("%s: no stand-in for Windows is installed (%s); the instance stays empty", instance.node, _MODULE)

    def program(self, instance: Instance, paths: MachinePaths, namespace: str) -> Program:
        arguments = {
            "--netns": namespace,
            "--instance-id": instance.id,
            "--node": instance.node,
            "--private-ip": str(instance.private_ip),
            "--region": instance.region,
            "--ca": str(self.layout.ca),
            "--resolver": str(instance.subnet.resolver),
            "--state": str(paths.folder),
            "--log": str(paths.console),
            **({"--os": instance.os_name} if instance.os_name else {}),
        }
        words = [word for pair in arguments.items() for word in pair]
        return Program(command=(sys.executable, "-m", _MODULE, *words), environment={}, log=paths.console)

    def status_after(self, exit_code: int) -> Status:
        """A stand-in in trouble is not a Windows that shut down."""
        _log.error("the stand-in for Windows ended with exit code %d", exit_code)
        return Status.BROKEN

    def leader(self, pid: int) -> int | None:
        return pid

    def reboot(self, leader: int) -> bool:
        """There is no Windows in it to restart."""
        return False

    def ended(self, instance: Instance) -> None:
        pass

    def keep_logs(self, paths: MachinePaths, logs: Path) -> None:
        for log in paths.folder.glob("*.log"):
            log.rename(logs / log.name)
