"""Define the stack manager that the preview commands use; stacks.py implements it and tests replace it."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import psutil

from ..errors import OperatorError
from ..output import duration


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event of the engine: work on a resource `begins`, `ends` or `fails`, or an error `message`."""

    kind: str
    urn: str = ""
    operation: str = ""
    text: str = ""


OnEvent = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """An operation that a run started and did not conclude: creating, updating, deleting, ..."""

    urn: str
    operation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOwner:
    """The owner of a stack's lock, as Pulumi recorded it."""

    user: str
    host: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return (
            f"{self.user}@{self.host} (process {self.pid}) since {self.since:%Y-%m-%d %H:%M:%S %Z}".rstrip()
        )

    def is_gone(self) -> bool:
        """Return whether its process ran on this machine and has ended."""
        return self.host == socket.gethostname() and not _is_running(self.pid)

    def is_older(self, age: timedelta, now: datetime) -> bool:
        return now - self.since > age


def _is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie has ended, although its parent has not read its exit code."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


class StackLocked(OperatorError):
    """Another run holds the stack's lock, or died with it."""

    def __init__(self, stack: str, lock_owners: Sequence[LockOwner], now: datetime | None = None) -> None:
        self.lock_owners = tuple(lock_owners)
        who = ", ".join(map(str, lock_owners)) or "another run"
        age = (
            f" ({duration((now - lock_owners[0].since).total_seconds())} ago)" if now and lock_owners else ""
        )
        super().__init__(
            f"stack {stack} is locked by {who}{age}: wait until that run has ended; if you know that it is "
            f"dead (its machine "
            "is gone), run this again with --break-lock"
        )


class StackGone(OperatorError):
    """The backend has no such stack."""


class Stacks(Protocol):
    """Manages stacks. Every call names its stack; none depends on a selected one."""

    @property
    def backend(self) -> str:
        """Return the URL of the backend."""
        ...

    def names(self) -> list[str]:
        """List every stack of this project in the backend."""
        ...

    def create(self, stack: str) -> None: ...

    def tags(self, stack: str) -> dict[str, str]: ...

    def set_tags(self, stack: str, tags: Mapping[str, str]) -> None: ...

    def configuration(self, stack: str) -> dict[str, Any]:
        """Return the configuration, keys with their namespace: the stack's file, else its last update's."""
        ...

    def configure(self, stack: str, values: Mapping[str, Any]) -> None:
        """Replace the configuration; keys have their namespace."""
        ...

    def lock_owners(self, stack: str) -> list[LockOwner]:
        """Return the lock's owners; empty also if the backend's locks cannot be read."""
        ...

    def cancel(self, stack: str) -> None:
        """Break the lock."""
        ...

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """Return the resources of the state."""
        ...

    def pending(self, stack: str) -> list[Pending]: ...

    def forget_pending(self, stack: str) -> None:
        """Remove the pending operations from the state."""
        ...

    def refresh(self, stack: str, urns: Sequence[str] = (), *, cluster_gone: bool = False) -> None:
        """Read the real state of some resources, or of all; where the cluster is gone, its objects count
        as deleted.
        """
        ...

    def up(self, stack: str, on_event: OnEvent) -> dict[str, Any]:
        """Update the stack and return the outputs that are no secrets."""
        ...

    def destroy(self, stack: str, on_event: OnEvent) -> None: ...

    def remove(self, stack: str) -> None:
        """Remove the stack and its configuration; refuse if it has resources."""
        ...
