"""One world under faults: runs commands, says what failed, compares Pulumi's state with the cloud, repairs
as a person would.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rehearsal.fake_aws.calls import STATE
from rehearsal.fake_aws.faults import CONTROL
from rehearsal.fake_aws.inventory import Inventory, Resource, difference
from rehearsal.fake_aws.process import CREDENTIALS
from rehearsal.scenarios.aws_faults.series import Series
from rehearsal.simulated import World
from rehearsal.simulated.world import CONFIG

CALLER = CREDENTIALS["AWS_ACCESS_KEY_ID"]
# A VPC brings these along, untagged and unmanaged, and takes them with it; an inline policy has no id but its
# role and name.
COME_ALONG = frozenset({"security group", "security group rule", "route table", "network interface"})
KILL_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One command under a plan: its exit code and output, the calls that came, and which of them were
    failed.
    """

    code: int
    output: str
    calls: Sequence[Mapping[str, Any]]

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        return [call for call in self.calls if call["failed"]]


class BrokenOff(Exception):
    """A person has had enough."""


@dataclass
class Driver:
    """Drives one world; raises BrokenOff between two commands once `stop` is set."""

    world: World
    log: list[str] = field(default_factory=list[str])
    stop: threading.Event = field(default_factory=threading.Event)

    def prepare(self, series: Series) -> None:
        """Configure the stack, which is not up, for a series."""
        self.world.stack.configure(CONFIG, series.provider)

    def run(self, series: Series, spare: Sequence[str], command: str, *options: str) -> Run:
        """A command of the engine under the faults of a series, except those calls that had theirs."""
        plan = {
            "caller": CALLER,
            "fault": series.fault,
            "always": not series.once,
            "limit": series.limit,
            "changes": series.changes,
        }
        self._control({**plan, "spare": [*spare], "services": series.services})
        try:
            code, output = self._pulumi(command, *options)
        finally:
            calls = self._control(None)
        return Run(code=code, output=output, calls=calls)

    def run_killed(self, series: Series, command: str) -> Run:
        """The command, killed with all that it started once so many calls were made."""
        self._control({"caller": CALLER, "fault": "throttle", "services": []})
        with self._log_file() as output:
            process = subprocess.Popen(
                self._words(command),
                cwd=self.world.stack.folder,
                env=dict(self.world.stack.environment),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            deadline = time.monotonic() + KILL_SECONDS
            while (
                process.poll() is None
                and time.monotonic() < deadline
                and self._calls_so_far() < series.kill_at
            ):
                time.sleep(0.02)
            was_running = process.poll() is None
            _kill_session(process.pid)
            process.wait()
        return Run(
            code=int(was_running),
            output=f"killed after {series.kill_at} different calls",
            calls=self._control(None),
        )

    def plain(self, command: str, *options: str) -> tuple[int, str]:
        """A command with nothing in its way."""
        return self._pulumi(command, *options)

    def repair(self) -> tuple[int, str]:
        """Do what docs/guide/operator.md tells a person to do."""
        command = (
            sys.executable,
            "-m",
            "microcosm",
            "repair",
            "--stack",
            self.world.stack.stack,
            "--region",
            self.world.cloud.region,
            "--yes",
        )
        code, output = self._attempt(*command)
        self.log.append(f"$ microcosm repair: {code}\n{output}")
        return code, output

    def strays(self, before: Inventory) -> list[str]:
        """List what the cloud has more than before and no resource of the state accounts for."""
        known = set(_texts(self._state()))
        added = difference(before, self.world.inventory()).added
        return [str(each) for each in added if not _is_known(each, known)]

    def left(self, before: Inventory) -> list[str]:
        """List what the cloud has more than before, and what it has no more."""
        changed = difference(before, self.world.inventory())
        return [*map(str, changed.added), *(f"gone: {each}" for each in changed.removed)]

    def pending(self) -> list[str]:
        """Operations that the state believes to be under way."""
        operations = self._deployment().get("pending_operations") or []
        return [operation["resource"]["urn"].rpartition("::")[2] for operation in operations]

    def _state(self) -> list[dict[str, Any]]:
        return self._deployment().get("resources") or []

    def _deployment(self) -> dict[str, Any]:
        return json.loads(
            self.world.stack.output("pulumi", "stack", "export", "--stack", self.world.stack.stack)
        )["deployment"]

    def _pulumi(self, command: str, *options: str) -> tuple[int, str]:
        code, output = self._attempt(*self._words(command, *options))
        self.world.machines.check()
        self.log.append(f"$ pulumi {command} {' '.join(options)}: {code}\n{output}")
        return code, output

    def _attempt(self, *words: str) -> tuple[int, str]:
        ended = self.world.stack.attempt(*words)
        if self.stop.is_set():
            raise BrokenOff
        return ended

    def _words(self, command: str, *options: str) -> tuple[str, ...]:
        return (
            "pulumi",
            command,
            "--yes",
            "--skip-preview",
            *options,
            "--stack",
            self.world.stack.stack,
            "--non-interactive",
        )

    @contextlib.contextmanager
    def _log_file(self) -> Generator[Any]:
        with (self.world.stack.folder / "killed.log").open("ab") as output:
            yield output

    def _calls_so_far(self) -> int:
        return sum(call["service"] != STATE for call in self._ask("GET"))

    def _control(self, plan: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        return self._ask("PUT", json.dumps(plan).encode())

    def _ask(self, method: str, body: bytes | None = None) -> list[dict[str, Any]]:
        url = self.world.cloud.endpoint + CONTROL
        request = urllib.request.Request(url, body, method=method)  # noqa: S310 - our own cloud
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())


def _is_known(resource: Resource, known: set[str]) -> bool:
    names = {
        resource.id,
        resource.name,
        resource.id.rpartition("/")[2],
        *resource.id.split("://")[-1].split("/", 1),
    }
    return bool(names & known) or (resource.kind in COME_ALONG and not resource.tags)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _kill_session(leader: int) -> None:
    """Pulumi puts its plugins into groups, but not into sessions, of their own."""
    for pid in [int(name) for name in os.listdir("/proc") if name.isdecimal()]:
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)
