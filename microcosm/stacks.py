"""Pulumi, by its Automation API, on the program of the checkout. No other module of the command talks to Pulumi."""

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

from .errors import OperatorError, UsageError
from .preview_stack import Event, Holder, OnEvent, Pending, StackGone, StackLocked
from .stack_locks import read_holders

# One line of the error of a self-managed backend (pulumi/pulumi v3.260.0, pkg/backend/diy/lock.go, checkForLock).
_HOLDER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
# One line of a run that ends well all the same (the same file, Unlock).
_KEPT = re.compile(r"there was a problem deleting the lock at \S+ manual clean up may be required: (?P<why>.+)")
# The first line of what went wrong stands behind the name of the stream.
_ERROR = re.compile(r"^(?: stderr: )?error: (.+)$", re.MULTILINE)
# What Pulumi says of a backend that is not there, and what to do about it.
_ADVICE = {
    "PULUMI_ACCESS_TOKEN must be set": "no backend is chosen: set PULUMI_BACKEND_URL, for example to s3://my-previews, or run `pulumi login`",
    "get credentials": "the backend cannot be read without AWS credentials: set AWS_PROFILE, or run `aws sso login`",
    "ExpiredToken": "the backend cannot be read, the AWS credentials have expired: renew them, for example with `aws sso login`",
    "NoSuchBucket": "the backend's bucket does not exist: make it, or set PULUMI_BACKEND_URL to another",
}
# What the engine says only to say that something else went wrong.
_FRAMES = ("update failed", "destroy failed", "Exception calling application: ")
_GONE = re.compile(r"no stack named|no previous deployment|stack .* not found")
# A cluster whose machines have ended must not keep a refresh from ending (pulumi-kubernetes v4, provider.go).
_ENVIRONMENT = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_K8S_DELETE_UNREACHABLE": "true"}


class PulumiStacks:
    """The stacks of the project in one folder, in the backend that the environment names."""

    def __init__(self, project: Path, command: automation.PulumiCommand | None = None) -> None:
        try:
            self._workspace = automation.LocalWorkspace(work_dir=str(project), env_vars=_ENVIRONMENT, pulumi_command=command)
        except FileNotFoundError as problem:
            raise UsageError("Pulumi is not on PATH: install it (https://www.pulumi.com/docs/install/), then run this again") from problem
        self._project = project
        # Selecting writes one file for all stacks of the project.
        self._selecting = threading.Lock()
        with _told(""):
            self._backend = self._workspace.who_am_i().url or ""

    @property
    def backend(self) -> str:
        return self._backend

    def names(self) -> list[str]:
        with _told(""):
            return sorted(summary.name for summary in self._workspace.list_stacks())

    def create(self, stack: str) -> None:
        with _told(stack):
            self._workspace.create_stack(stack)

    def tags(self, stack: str) -> dict[str, str]:
        with _told(stack):
            return dict(self._workspace.list_tags(stack) or {})

    def set_tags(self, stack: str, tags: Mapping[str, str]) -> None:
        with _told(stack):
            for key, value in tags.items():
                self._workspace.set_tag(stack, key, value)

    def configuration(self, stack: str) -> dict[str, Any]:
        if not self._file(stack).exists():
            try:
                with _told(stack):
                    self._workspace.refresh_config(stack)
            except StackGone:
                return {}
        return self._settings(stack).get("config") or {}

    def configure(self, stack: str, values: Mapping[str, Any]) -> None:
        # `pulumi config set` knows only texts, and the schema in Pulumi.yaml wants lists to be lists. The file also holds
        # the salt of the stack's secrets, which stays.
        content = self._settings(stack) | {"config": dict(values)}
        self._file(stack).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def _file(self, stack: str) -> Path:
        return self._project / f"Pulumi.{stack}.yaml"

    def _settings(self, stack: str) -> dict[str, Any]:
        path = self._file(stack)
        return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}

    def holders(self, stack: str) -> list[Holder]:
        return read_holders(self._backend, self._workspace.project_settings().name, stack)

    def cancel(self, stack: str) -> None:
        with _told(stack):
            self._selected(stack).cancel()

    def resources(self, stack: str) -> list[dict[str, Any]]:
        return self._state(stack).get("resources") or []

    def pending(self, stack: str) -> list[Pending]:
        operations = self._state(stack).get("pending_operations") or []
        return [Pending(urn=operation["resource"]["urn"], operation=operation["type"]) for operation in operations]

    def _state(self, stack: str) -> dict[str, Any]:
        with _told(stack):
            return dict(self._workspace.export_stack(stack).deployment or {})

    def forget_pending(self, stack: str) -> None:
        # Importing clears them by itself (pulumi/pulumi v3.260.0, pkg/cmd/pulumi/stack/io.go), under the stack's lock.
        with _told(stack):
            self._workspace.import_stack(stack, self._workspace.export_stack(stack))

    def refresh(self, stack: str, urns: Sequence[str] = ()) -> None:
        with _told(stack):
            result = self._selected(stack).refresh(target=[*urns] or None)
        _refuse_a_kept_lock(stack, result.stderr)

    def up(self, stack: str, on_event: OnEvent) -> dict[str, Any]:
        messages: list[str] = []
        with _told(stack, messages):
            result = self._selected(stack).up(on_event=lambda event: _pass_on(event, on_event, messages), color="never")
        _refuse_a_kept_lock(stack, result.stderr)
        return {name: output.value for name, output in result.outputs.items() if not output.secret}

    def destroy(self, stack: str, on_event: OnEvent) -> None:
        messages: list[str] = []
        with _told(stack, messages):
            result = self._selected(stack).destroy(on_event=lambda event: _pass_on(event, on_event, messages), color="never")
        _refuse_a_kept_lock(stack, result.stderr)

    def remove(self, stack: str) -> None:
        with _told(stack):
            self._workspace.remove_stack(stack)

    def _selected(self, stack: str) -> automation.Stack:
        with self._selecting:
            return automation.Stack.select(stack, self._workspace)


def _pass_on(event: events.EngineEvent, on_event: OnEvent, messages: list[str]) -> None:
    """The few events that somebody waits for, in our own words."""
    for kind, of_resource in (("begins", event.resource_pre_event), ("ends", event.res_outputs_event), ("fails", event.res_op_failed_event)):
        if of_resource:
            on_event(Event(kind=kind, urn=of_resource.metadata.urn, operation=str(of_resource.metadata.op)))
    if event.diagnostic_event and event.diagnostic_event.severity == "error":
        messages.append(without_traceback(event.diagnostic_event.message))
        on_event(Event(kind="message", urn=event.diagnostic_event.urn or "", text=messages[-1]))


def without_traceback(message: str) -> str:
    """What Python says last, where Pulumi prints all of a program's unhandled exception."""
    frames = message.strip().rpartition("Traceback (most recent call last):\n")[2].splitlines()
    return "\n".join(dropwhile(lambda line: line.startswith("  "), frames)).strip()


@contextmanager
def _told(stack: str, messages: Sequence[str] = ()) -> Generator[None]:
    """Pulumi's errors as ours: who holds the lock, that there is no such stack, or what it said last."""
    try:
        yield
    except errors.CommandError as problem:
        text = str(problem)
        if isinstance(problem, errors.ConcurrentUpdateError):
            raise StackLocked(stack, holders_in(text)) from problem
        if isinstance(problem, errors.StackNotFoundError) or _GONE.search(text):
            raise StackGone(f"there is no stack {stack} in this backend") from problem
        if advice := next((advice for words, advice in _ADVICE.items() if words in text and not messages), None):
            raise UsageError(advice) from problem
        raise OperatorError(_sentence(stack, messages, text)) from problem


def _refuse_a_kept_lock(stack: str, said: str) -> None:
    """Pulumi calls that a success, and whoever comes next is told of a run that has long ended."""
    if kept := _KEPT.search(said):
        # What AWS itself said stands behind the frames of three libraries.
        why = kept["why"].rpartition("api error ")[2].strip()
        raise OperatorError(
            f"{stack}: the work is done, but the lock of the state could not be deleted ({why}): "
            "allow that (in S3 s3:DeleteObject on the bucket), then run this again"
        )


def holders_in(text: str) -> list[Holder]:
    """Who holds the lock, by Pulumi's own message."""
    return [
        Holder(user=found["user"], host=found["host"], pid=int(found["pid"]), since=datetime.fromisoformat(found["since"]))
        for found in _HOLDER.finditer(text)
    ]


def _sentence(stack: str, messages: Sequence[str], text: str) -> str:
    """What went wrong, without the frame that Pulumi puts around it: the engine's own last words say only that it did."""
    said = [message for message in messages if not message.startswith(_FRAMES)]
    if not said:
        said = _ERROR.findall(text) or text.strip().splitlines()[-1:]
    return f"{stack}: " * bool(stack) + "; ".join(dict.fromkeys(said))[:2000]
