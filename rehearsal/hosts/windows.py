"""A Windows instance: the stand-in process in the instance's network namespace.

It is not Windows, and says so.
"""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from rehearsal.hosts.layout import Layout, MachinePaths
from rehearsal.hosts.machine import Program
from rehearsal.hosts.model import Instance
from rehearsal.hosts.reconcile import Status

_log = logging.getLogger(__name__)

# `ip netns exec` gives its command a mount namespace of its own, so the host's resolv.conf stays as it is for
# all others.
_WITH_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@dataclass(frozen=True, slots=True)
class Windows:
    layout: Layout
    grace_seconds: float = 1.0

    def prepare(self, instance: Instance, paths: MachinePaths) -> None:
        _resolv_conf(paths).write_text(f"nameserver {instance.subnet.resolver}\n")

    def program(self, instance: Instance, paths: MachinePaths, namespace: str) -> Program:
        arguments = {
            "--instance-id": instance.id,
            "--node": instance.node,
            "--private-ip": str(instance.private_ip),
            "--region": instance.region,
            "--ca": str(self.layout.ca),
            "--state": str(paths.folder),
            "--log": str(paths.console),
            **({"--os": instance.os_name} if instance.os_name else {}),
        }
        words = [word for pair in arguments.items() for word in pair]
        inside = ("ip", "netns", "exec", namespace, "sh", "-c", _WITH_RESOLVER, _resolv_conf(paths))
        command = (*inside, sys.executable, "-m", "rehearsal.windows_node", *words)
        return Program(command=command, environment={}, log=paths.console)

    def status_after(self, exit_code: int) -> Status:
        """Return BROKEN: a stand-in that fails is not a Windows that shut down."""
        _log.error("the stand-in for Windows ended with exit code %d", exit_code)
        return Status.BROKEN

    def leader(self, pid: int) -> int | None:
        return pid

    def reboot(self, leader: int) -> bool:
        """Return False: there is no Windows to restart."""
        return False

    def ended(self, instance: Instance) -> None:
        pass

    def keep_logs(self, paths: MachinePaths, logs: Path) -> None:
        for log in paths.folder.glob("*.log"):
            log.rename(logs / log.name)


def _resolv_conf(paths: MachinePaths) -> Path:
    return paths.folder / "resolv.conf"
