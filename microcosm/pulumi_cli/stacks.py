"""Run Pulumi by its Automation API on the program of the checkout.

Only this module of the command talks to Pulumi.
"""

import re
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import dropwhile
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation
from pulumi.automation import errors, events

from ..errors import OperatorError, UsageError
from ..preview.stack import Event, LockOwner, OnEvent, Pending, StackGone, StackLocked
from .locks import read_lock_owners

# One line of the error of a self-managed backend (pulumi/pulumi v3.260.0, pkg/backend/diy/lock.go,
# checkForLock).
_LOCK_OWNER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
# One line of a run that succeeds nevertheless (the same file, Unlock).
_KEPT = re.compile(
    r"there was a problem deleting the lock at \S+ manual clean up may be required: (?P<why>.+)"
)
# The first line of an error follows the name of the stream.
_ERROR = re.compile(r"^(?: stderr: )?error: (.+)$", re.MULTILINE)
# Pulumi's messages about a missing backend, and our advice.
_ADVICE = {
    "PULUMI_ACCESS_TOKEN must be set": "no backend is chosen: set PULUMI_BACKEND_URL, for example to "
    "s3://my-previews, or run `pulumi login`",
    "get credentials": "the backend cannot be read without AWS credentials: set AWS_PROFILE, or run `aws "
    "sso login`",
    "ExpiredToken": "the backend cannot be read, the AWS credentials have expired: renew them, for example "
    "with `aws sso login`",
    "NoSuchBucket": "the backend's bucket does not exist: make it, or set PULUMI_BACKEND_URL to another",
}
# Messages of the engine that only introduce another error.
_FRAMES = ("update failed", "destroy failed", "Exception calling application: ")
_GONE = re.compile(r"no stack named|no previous deployment|stack .* not found")
_ENVIRONMENT = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
# Objects that cannot be reached count as deleted (pulumi-kubernetes v4, provider.go, Read and Delete). That
# is right if their cluster is gone. If it lives and does not admit this address, the next `up` would create
# them again.
_CLUSTER_GONE = _ENVIRONMENT | {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}


class PulumiStacks:
    """The stacks of one project folder, in the backend that the environment names."""

    def __init__(self, project: Path, command: automation.PulumiCommand | None = None) -> None:
        try:
            command = command or automation.PulumiCommand()
            self._workspace, self._without_cluster = (
                automation.LocalWorkspace(work_dir=str(project), env_vars=environment, pulumi_command=command)
                for environment in (_ENVIRONMENT, _CLUSTER_GONE)
            )
        except FileNotFoundError as problem:
            raise UsageError(
                "Pulumi is not on PATH: install it (https://www.pulumi.com/docs/install/), then run this "
                "again"
            ) from problem
        self._project = project
        # Selecting a stack writes one file for all stacks of the project.
        self._selecting = threading.Lock()
        with _translated(""):
            self._backend = self._workspace.who_am_i().url or ""

    @property
    def backend(self) -> str:
        return self._backend

    def names(self) -> list[str]:
        with _translated(""):
            return sorted(summary.name for summary in self._workspace.list_stacks())

    def create(self, stack: str) -> None:
        with _translated(stack):
            self._workspace.create_stack(stack)

    def tags(self, stack: str) -> dict[str, str]:
        with _translated(stack):
            return dict(self._workspace.list_tags(stack) or {})

    def set_tags(self, stack: str, tags: Mapping[str, str]) -> None:
        with _translated(stack):
            for key, value in tags.items():
                self._workspace.set_tag(stack, key, value)

    def configuration(self, stack: str) -> dict[str, Any]:
        if not self._file(stack).exists():
            try:
                with _translated(stack):
                    self._workspace.refresh_config(stack)
            except StackGone:
                return {}
        return self._settings(stack).get("config") or {}

    def configure(self, stack: str, values: Mapping[str, Any]) -> None:
        # `pulumi config set` writes texts only, but the schema in Pulumi.yaml requires lists. The file also
        # holds the salt of the stack's secrets, which must stay.
        content = self._settings(stack) | {"config": dict(values)}
        self._file(stack).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def _file(self, stack: str) -> Path:
        return self._project / f"Pulumi.{stack}.yaml"

    def _settings(self, stack: str) -> dict[str, Any]:
        path = self._file(stack)
        return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}

    def lock_owners(self, stack: str) -> list[LockOwner]:
        return read_lock_owners(self._backend, self._workspace.project_settings().name, stack)

    def cancel(self, stack: str) -> None:
        with _translated(stack):
            self._selected(stack).cancel()

    def resources(self, stack: str) -> list[dict[str, Any]]:
        return self._state(stack).get("resources") or []

    def pending(self, stack: str) -> list[Pending]:
        operations = self._state(stack).get("pending_operations") or []
        return [
            Pending(urn=operation["resource"]["urn"], operation=operation["type"]) for operation in operations
        ]

    def _state(self, stack: str) -> dict[str, Any]:
        with _translated(stack):
            return dict(self._workspace.export_stack(stack).deployment or {})

    def forget_pending(self, stack: str) -> None:
        # An import clears them under the stack's lock (pulumi/pulumi v3.260.0, pkg/cmd/pulumi/stack/io.go).
        with _translated(stack):
            self._workspace.import_stack(stack, self._workspace.export_stack(stack))

    def refresh(self, stack: str, urns: Sequence[str] = (), *, cluster_gone: bool = False) -> None:
        with _translated(stack):
            result = self._selected(stack, cluster_gone).refresh(target=[*urns] or None)
        _refuse_a_kept_lock(stack, result.stderr)

    def up(self, stack: str, on_event: OnEvent) -> dict[str, Any]:
        messages: list[str] = []
        with _translated(stack, messages):
            result = self._selected(stack).up(
                on_event=lambda event: _pass_on(event, on_event, messages), color="never"
            )
        _refuse_a_kept_lock(stack, result.stderr)
        return {name: output.value for name, output in result.outputs.items() if not output.secret}

    def destroy(self, stack: str, on_event: OnEvent) -> None:
        messages: list[str] = []
        with _translated(stack, messages):
            # The objects end with their cluster, whether it can be reached or not.
            selected = self._selected(stack, cluster_gone=True)
            result = selected.destroy(
                on_event=lambda event: _pass_on(event, on_event, messages), color="never"
            )
        _refuse_a_kept_lock(stack, result.stderr)

    def remove(self, stack: str) -> None:
        with _translated(stack):
            self._workspace.remove_stack(stack)

    def _selected(self, stack: str, cluster_gone: bool = False) -> automation.Stack:
        with self._selecting:
            return automation.Stack.select(stack, self._without_cluster if cluster_gone else self._workspace)


def _pass_on(event: events.EngineEvent, on_event: OnEvent, messages: list[str]) -> None:
    """Translate the events that the preview commands use."""
    kinds = {
        "begins": event.resource_pre_event,
        "ends": event.res_outputs_event,
        "fails": event.res_op_failed_event,
    }
    for kind, of_resource in kinds.items():
        if of_resource:
            on_event(Event(kind=kind, urn=of_resource.metadata.urn, operation=str(of_resource.metadata.op)))
    if event.diagnostic_event and event.diagnostic_event.severity == "error":
        messages.append(without_traceback(event.diagnostic_event.message))
        on_event(Event(kind="message", urn=event.diagnostic_event.urn or "", text=messages[-1]))


def without_traceback(message: str) -> str:
    """Return only the exception's message if Pulumi prints a program's traceback."""
    frames = message.strip().rpartition("Traceback (most recent call last):\n")[2].splitlines()
    return "\n".join(dropwhile(lambda line: line.startswith("  "), frames)).strip()


@contextmanager
def _translated(stack: str, messages: Sequence[str] = ()) -> Generator[None]:
    """Translate Pulumi's errors: a lock and its owner, a missing stack, or the last message."""
    try:
        yield
    except errors.CommandError as problem:
        text = str(problem)
        if isinstance(problem, errors.ConcurrentUpdateError):
            raise StackLocked(stack, lock_owners_in(text)) from problem
        if isinstance(problem, errors.StackNotFoundError) or _GONE.search(text):
            raise StackGone(f"there is no stack {stack} in this backend") from problem
        if advice := next(
            (advice for words, advice in _ADVICE.items() if words in text and not messages), None
        ):
            raise UsageError(advice) from problem
        raise OperatorError(_sentence(stack, messages, text)) from problem


def _refuse_a_kept_lock(stack: str, stderr: str) -> None:
    """Raise OperatorError if the lock was not deleted; Pulumi reports success, but the next run would be
    refused.
    """
    if kept := _KEPT.search(stderr):
        # The libraries wrap AWS's message three times; it stands last.
        why = kept["why"].rpartition("api error ")[2].strip()
        raise OperatorError(
            f"{stack}: the operation succeeded, but the lock of the state could not be deleted ({why}): "
            "allow that (in S3 s3:DeleteObject on the bucket), then run this again"
        )


def lock_owners_in(text: str) -> list[LockOwner]:
    """Parse the lock's owners from Pulumi's message."""
    return [
        LockOwner(
            user=found["user"],
            host=found["host"],
            pid=int(found["pid"]),
            since=datetime.fromisoformat(found["since"]),
        )
        for found in _LOCK_OWNER.finditer(text)
    ]


def _sentence(stack: str, messages: Sequence[str], text: str) -> str:
    """Return the cause, without the messages that only introduce it."""
    causes = [message for message in messages if not message.startswith(_FRAMES)]
    if not causes:
        causes = _ERROR.findall(text) or text.strip().splitlines()[-1:]
    return f"{stack}: " * bool(stack) + "; ".join(dict.fromkeys(causes))[:2000]
