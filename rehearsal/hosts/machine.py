"""Start, watch and end the processes of one instance's machine."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rehearsal.hosts import cgroups
from rehearsal.hosts.layout import Layout, MachinePaths
from rehearsal.hosts.model import Instance
from rehearsal.hosts.reconcile import Status

_STEP_IN = Path(__file__).parent / "step-into-groups.sh"


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """The program that runs as the machine."""

    command: tuple[str | Path, ...]
    environment: Mapping[str, str]
    log: Path


class MachineKind(Protocol):
    """The differences between Linux machines and Windows stand-ins."""

    @property
    def grace_seconds(self) -> float:
        """The seconds between SIGTERM and SIGKILL; 0 for a power cut."""
        ...

    def prepare(self, instance: Instance, paths: MachinePaths) -> None:
        """Create the disk of a new machine."""
        ...

    def program(self, instance: Instance, paths: MachinePaths, namespace: str) -> Program: ...

    def status_after(self, exit_code: int) -> Status:
        """Return the machine's status after its process ended without a request."""
        ...

    def leader(self, pid: int) -> int | None:
        """Return the process that is in the machine's namespaces, given the process that was started."""
        ...

    def reboot(self, leader: int) -> bool:
        """Request a reboot; False if the machine cannot reboot, then its power is cut."""
        ...

    def ended(self, instance: Instance) -> None:
        """Remove what a killed process left behind."""
        ...

    def keep_logs(self, paths: MachinePaths, logs: Path) -> None: ...


class Machine:
    """An instance's machine as reconciliation sees it, and the actions on it."""

    def __init__(
        self, instance: Instance, kind: MachineKind, layout: Layout, on_end: Callable[[], None]
    ) -> None:
        self.instance = instance
        self.paths = layout.machine(instance.id)
        self.logs = layout.logs / f"{instance.node}.{instance.id}"
        self.trash = layout.trash / instance.id
        self.status = Status.ABSENT
        self._kind = kind
        self._tag = layout.tag
        self._on_end = on_end
        self._process: asyncio.subprocess.Process | None = None
        self._waiter: asyncio.Task[None] | None = None

    @property
    def leader(self) -> int | None:
        return (
            self._kind.leader(self._process.pid) if self._process and self.status is Status.RUNNING else None
        )

    async def boot(self, namespace: str) -> None:
        if not self.paths.folder.exists():
            self.paths.folder.mkdir(parents=True, mode=0o700)
            self._kind.prepare(self.instance, self.paths)
        self.logs.mkdir(parents=True, exist_ok=True)
        # A real kernel takes its control groups along when it reboots. Here those of the last boot remain:
        # kubelet would find them, and cAdvisor would search each for a container for three seconds.
        await cgroups.kill(self._tag, self.instance.id)
        cgroups.remove(self._tag, self.instance.id)
        groups = cgroups.create(self._tag, self.instance.id)
        self._process = await _start(self._kind.program(self.instance, self.paths, namespace), groups)
        self.status = Status.RUNNING
        self._waiter = asyncio.ensure_future(self._wait(self._process))

    async def power_off(self) -> None:
        """Cut the power and keep the disk."""
        self.status = Status.BUSY
        await self._end()
        self.status = Status.OFF

    async def remove(self) -> None:
        """Cut the power, keep the logs and discard the disk."""
        self.status = Status.BUSY
        await self._end()
        if self.paths.folder.exists():
            self._kind.keep_logs(self.paths, self.logs)
            self.paths.folder.rename(self.trash)
        self.status = Status.ABSENT

    def needs_power_cut(self) -> bool:
        """Report whether the power must be cut: on request, or for a reboot that the machine cannot do."""
        if not self.leader:
            return False
        if _taken(self.paths.power_cut):
            return True
        return _taken(self.paths.reboot_request) and not self._kind.reboot(self.leader)

    async def _wait(self, process: asyncio.subprocess.Process) -> None:
        exit_code = await process.wait()
        if self.status is Status.RUNNING:
            self.status = self._kind.status_after(exit_code)
            self._on_end()

    async def _end(self) -> None:
        if self._process and self._process.returncode is None and self._kind.grace_seconds:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), self._kind.grace_seconds)
        await cgroups.kill(self._tag, self.instance.id)
        if self._waiter:
            await self._waiter
        self._kind.ended(self.instance)
        cgroups.remove(self._tag, self.instance.id)


def _taken(request: Path) -> bool:
    if not request.exists():
        return False
    request.unlink()
    return True


async def _start(program: Program, groups: list[Path]) -> asyncio.subprocess.Process:
    """Start the program. The parent's death signal makes the kernel end the machine if the host is killed."""
    environment = {**os.environ, **program.environment, "CONTROL_GROUPS": " ".join(map(str, groups))}
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "/bin/sh", _STEP_IN, *program.command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
