"""Long-running parts of a rehearsal: started apart from the terminal, recorded, and ended by id, even by a later run."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 30.0
# A `pulumi` that is asked to end waits for what is under way; nobody needs its outcome any more.
PATIENCE_SECONDS = 3.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Daemon:
    """A process of ours. `mark` is a word of its command line, so that an id that was used again is not mistaken for it."""

    name: str
    pid: int
    mark: str

    @property
    def is_alive(self) -> bool:
        """Whether a process has this id, and has not ended unnoticed."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    @property
    def is_running(self) -> bool:
        """Whether that process is the one that was started."""
        try:
            return self.is_alive and self.mark in Path(f"/proc/{self.pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return False

    def stop(self) -> None:
        """Asks it to end, and insists when it has not after STOP_SECONDS."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._send(number)

    def kill(self) -> None:
        """Ends it at once: for what has nothing to put in order."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, number)
            # A process that is ending loses its command line before it is gone.
            _wait(lambda: not self.is_alive, STOP_SECONDS)


def start(name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Daemon:
    """Starts a process in a session of its own: Ctrl-C in the terminal is for the scenario, which then ends it in order."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=dict(environment), start_new_session=True
        )
    daemon = Daemon(name=name, pid=process.pid, mark=command[2] if command[1:2] == ["-m"] else command[0])
    # Linux fills in the command line at the end of execve(2), a moment after Popen has heard of its success: until then nobody would recognise it.
    _wait(lambda: daemon.is_running or not daemon.is_alive, STOP_SECONDS)
    return daemon


def wait_for_file(path: Path, daemon: Daemon, log: Path, seconds: float) -> dict[str, object]:
    """The JSON that a daemon writes when it is ready; its last log lines when it does not."""
    if _wait(lambda: path.exists() or not daemon.is_alive, seconds) and path.exists():
        return json.loads(path.read_text())
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"{daemon.name} did not become ready; its log {log} ends:\n{tail}")


def record(daemons: Sequence[Daemon], path: Path) -> None:
    """Remembers what runs, for the run that finds it left over."""
    path.write_text(json.dumps([{"name": d.name, "pid": d.pid, "mark": d.mark} for d in daemons]))


def recorded(path: Path) -> list[Daemon]:
    """What an earlier run remembered and is still running."""
    if not path.exists():
        return []
    return [daemon for entry in json.loads(path.read_text()) if (daemon := Daemon(**entry)).is_running]


def end_of(setting: str) -> None:
    """Ends every process that was started with this setting in its environment, but not this one and those above it."""
    spared = _ancestors(os.getpid())
    found = [Daemon(name=setting, pid=pid, mark="") for pid in _started_with(setting) if pid not in spared]
    for number, seconds in ((signal.SIGTERM, PATIENCE_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        for daemon in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(daemon.pid, number)
        if _wait(lambda: not any(daemon.is_alive for daemon in found), seconds):
            return


def _started_with(setting: str) -> list[int]:
    wanted = setting.encode()
    pids: list[int] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                pids.append(int(path.parent.name))
    return pids


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return found


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
