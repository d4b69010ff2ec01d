"""Start long-running parts of a rehearsal apart from the terminal, record them, and end them by
process id.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from rehearsal.waiting import poll

STOP_SECONDS = 30.0
# A `pulumi` that gets SIGTERM waits for its running operations, whose outcome no longer matters here.
PULUMI_STOP_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Daemon:
    """A process of the rehearsal.

    `mark` is a word of its command line: a later process may get the same id.
    """

    name: str
    pid: int
    mark: str

    @property
    def is_alive(self) -> bool:
        """Report whether a process has this id and is no zombie."""
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        return False

    @property
    def is_running(self) -> bool:
        """Report whether the process with this id is the one that was started."""
        with contextlib.suppress(psutil.Error):
            return self.is_alive and self.mark in psutil.Process(self.pid).cmdline()
        return False

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if the process still runs after STOP_SECONDS."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._send(number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, number)
            # Not is_running: a process that is ending loses its command line before its id is free.
            poll(lambda: not self.is_alive, STOP_SECONDS)


def end_on_sigterm() -> None:
    """Let SIGTERM end this process by SystemExit, so that what its blocks have started ends with them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def start(name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Daemon:
    """Start a process in its own session, so that Ctrl-C reaches the scenario alone, which then ends the
    process.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    daemon = Daemon(name=name, pid=process.pid, mark=command[2] if command[1:2] == ["-m"] else command[0])
    # Linux fills in the command line at the end of execve(2), a moment after Popen returns.
    poll(lambda: daemon.is_running or not daemon.is_alive, STOP_SECONDS)
    return daemon


def wait_for_file(path: Path, daemon: Daemon, log: Path, seconds: float) -> dict[str, object]:
    """Read the JSON file that a daemon writes when it is ready; RuntimeError has its last log lines
    otherwise.
    """
    if poll(lambda: path.exists() or not daemon.is_alive, seconds) and path.exists():
        return json.loads(path.read_text())
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"{daemon.name} did not become ready; its log {log} ends:\n{tail}")


def record(daemons: Sequence[Daemon], path: Path) -> None:
    """Write down the daemons for a later run."""
    path.write_text(json.dumps([asdict(daemon) for daemon in daemons]))


def recorded(path: Path) -> list[Daemon]:
    """Return the daemons of an earlier run that still run."""
    if not path.exists():
        return []
    return [daemon for entry in json.loads(path.read_text()) if (daemon := Daemon(**entry)).is_running]


def end_of(setting: str) -> None:
    """End every process with this setting (NAME=value) in its environment, except this one and its
    ancestors.
    """
    name, _, value = setting.partition("=")
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = [
        Daemon(name=setting, pid=process.pid, mark="")
        for process in psutil.process_iter(["environ"])
        if process.pid not in spared and (process.info["environ"] or {}).get(name) == value
    ]
    for number, seconds in ((signal.SIGTERM, PULUMI_STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        for daemon in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(daemon.pid, number)
        if poll(lambda: not any(daemon.is_alive for daemon in found), seconds):
            return
