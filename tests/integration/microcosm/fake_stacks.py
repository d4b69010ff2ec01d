"""A stack manager in memory: it records and refuses as Pulumi does, and runs a test's hooks in between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from microcosm.aws.session import Session
from microcosm.preview.context import Context
from microcosm.preview.stack import Event, LockOwner, OnEvent, Pending, StackGone, StackLocked

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass
class Stack:
    """One stack of the backend."""

    tags: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    lock_owners: list[LockOwner] = field(default_factory=list)


@dataclass
class FakeStacks:
    """`calls` is what was asked for, in order; `on_up` and `on_destroy` do what the program would."""

    backend: str = "s3://state"
    stacks: dict[str, Stack] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    on_up: Callable[[str], None] = lambda stack: None
    on_destroy: Callable[[str], None] = lambda stack: None

    def of(self, stack: str) -> Stack:
        if stack not in self.stacks:
            raise StackGone(f"there is no stack {stack}")
        return self.stacks[stack]

    def names(self) -> list[str]:
        return sorted(self.stacks)

    def create(self, stack: str) -> None:
        self.calls.append(("create", stack))
        self.stacks[stack] = Stack()

    def tags(self, stack: str) -> dict[str, str]:
        return dict(self.of(stack).tags)

    def set_tags(self, stack: str, tags: Mapping[str, str]) -> None:
        self.calls.append(("tag", stack))
        self.of(stack).tags |= tags

    def configuration(self, stack: str) -> dict[str, Any]:
        return dict(self.of(stack).config)

    def configure(self, stack: str, values: Mapping[str, Any]) -> None:
        self.calls.append(("configure", stack))
        self.of(stack).config = dict(values)

    def lock_owners(self, stack: str) -> list[LockOwner]:
        return list(self.of(stack).lock_owners)

    def cancel(self, stack: str) -> None:
        self.calls.append(("cancel", stack))
        self.of(stack).lock_owners.clear()

    def resources(self, stack: str) -> list[dict[str, Any]]:
        return self.of(stack).resources

    def pending(self, stack: str) -> list[Pending]:
        return list(self.of(stack).pending)

    def forget_pending(self, stack: str) -> None:
        self.calls.append(("forget", stack))
        self._refuse_locked(stack)
        self.of(stack).pending.clear()

    def refresh(self, stack: str, urns: Sequence[str] = (), *, cluster_gone: bool = False) -> None:
        self.calls.append(("refresh without cluster" if cluster_gone else "refresh", stack, *urns))

    def up(self, stack: str, on_event: OnEvent) -> dict[str, Any]:
        self.calls.append(("up", stack))
        self._refuse_locked(stack)
        on_event(Event(kind="begins", urn="", operation="create"))
        self.on_up(stack)
        return {"pageUrl": "http://198.51.100.7:30080", "apiAddress": "https://198.51.100.7:6443"}

    def destroy(self, stack: str, on_event: OnEvent) -> None:
        self.calls.append(("destroy", stack))
        self._refuse_locked(stack)
        self.on_destroy(stack)
        self.of(stack).resources.clear()

    def remove(self, stack: str) -> None:
        self.calls.append(("remove", stack))
        del self.stacks[stack]

    def _refuse_locked(self, stack: str) -> None:
        if self.of(stack).lock_owners:
            raise StackLocked(stack, self.of(stack).lock_owners)


@contextmanager
def _unwatched(operation: str, stack: str, session: Session) -> Iterator[OnEvent]:
    yield lambda event: None


def context(
    stacks: FakeStacks, session: Session, logged: list[str] | None = None, now: datetime = NOW
) -> Context:
    """The fake context of a test, at noon."""
    return Context(
        stacks=stacks,
        session=lambda region: session,
        now=lambda: now,
        log=(logged if logged is not None else []).append,
        watch=_unwatched,
        caller_address=lambda: "203.0.113.7",
        environ={"GITHUB_ACTOR": "ada", "AWS_REGION": "eu-west-1"},
        sleep=lambda seconds: None,
    )


def lock_owner(host: str = "runner-7", pid: int = 4711, since: datetime = NOW) -> LockOwner:
    return LockOwner(user="ci", host=host, pid=pid, since=since)
