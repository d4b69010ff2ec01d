"""What the preview commands need of a stack manager: the part of Pulumi that stacks.py provides and tests replace."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from .errors import OperatorError
from .output import duration


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that the engine says: work on a resource `begins`, `ends` or `fails`, or a `message` of an error."""

    kind: str
    urn: str = ""
    operation: str = ""
    text: str = ""


OnEvent = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """An operation that a run had begun and never concluded: creating, updating, deleting, …"""

    urn: str
    operation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds the lock of a stack, as Pulumi wrote it down."""

    user: str
    host: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (process {self.pid}) since {self.since:%Y-%m-%d %H:%M:%S %Z}".rstrip()

    def is_gone(self) -> bool:
        """Whether its process ran on this very machine and is no more: then nobody can be working there."""
        return self.host == socket.gethostname() and not _is_alive(self.pid)

    def is_older(self, age: timedelta, now: datetime) -> bool:
        return now - self.since > age


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether the process has ended and nobody has taken notice; where there is no /proc nobody can tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return False


class StackLocked(OperatorError):
    """Another run is at work on the stack, or was when it died."""

    def __init__(self, stack: str, holders: Sequence[Holder], now: datetime | None = None) -> None:
        self.holders = tuple(holders)
        who = ", ".join(map(str, holders)) or "another run"
        age = f" ({duration((now - holders[0].since).total_seconds())} ago)" if now and holders else ""
        super().__init__(
            f"stack {stack} is locked by {who}{age}: wait until that run has ended; if you know that it is dead (its machine is gone), "
            "run this again with --break-lock"
        )


class StackGone(OperatorError):
    """The backend knows no such stack (any more)."""


class Stacks(Protocol):
    """Every call names its stack; nothing is selected in between."""

    @property
    def backend(self) -> str:
        """The URL of the backend."""
        ...

    def names(self) -> list[str]:
        """Every stack of this project in the backend."""
        ...

    def create(self, stack: str) -> None: ...

    def tags(self, stack: str) -> dict[str, str]: ...

    def set_tags(self, stack: str, tags: Mapping[str, str]) -> None: ...

    def configuration(self, stack: str) -> dict[str, Any]:
        """Keys with their namespace, as in the stack's file; else those of its last update; else none."""
        ...

    def configure(self, stack: str, values: Mapping[str, Any]) -> None:
        """Replace the configuration by these keys (with their namespace) and values."""
        ...

    def holders(self, stack: str) -> list[Holder]:
        """Who holds the lock now; empty also where the backend cannot be asked."""
        ...

    def cancel(self, stack: str) -> None:
        """Break the lock."""
        ...

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The resources of the state."""
        ...

    def pending(self, stack: str) -> list[Pending]: ...

    def forget_pending(self, stack: str) -> None:
        """Take the operations that never concluded out of the state."""
        ...

    def refresh(self, stack: str, urns: Sequence[str] = ()) -> None:
        """Look at the real state of some resources, or of all."""
        ...

    def up(self, stack: str, on_event: OnEvent) -> dict[str, Any]:
        """Returns the outputs that are no secret."""
        ...

    def destroy(self, stack: str, on_event: OnEvent) -> None: ...

    def remove(self, stack: str) -> None:
        """Forget the stack and its configuration; refuses while it has resources."""
        ...
