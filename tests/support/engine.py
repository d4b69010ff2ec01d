"""Run a whole Pulumi program against mocks in its own context, and keep the raw registrations.

The SDK's `set_mocks` passes only type, name and inputs to a test. The raw requests also hold the values that
decide whether a destroy works: dependencies, parents, deletedWith, ignoreChanges and secrets.
"""

import asyncio
import contextlib
import contextvars
import logging
import os
import runpy
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
from google.protobuf import json_format
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks, resource, settings, stack
from pulumi.runtime.proto import source_pb2

PROJECT = Path(__file__).resolve().parents[2]
SECRET_KEY, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "<unknown>"

# run_in_stack raises a failed apply again; asyncio would print it a second time.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def plain(value: Any) -> Any:
    """Return a serialized value without secret wrappers; on the wire every number is a float."""
    if isinstance(value, dict):
        return (
            plain(value["value"])
            if value.get(SECRET_KEY) == SECRET
            else {key: plain(item) for key, item in value.items()}
        )
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True)
class Registration:
    """A resource as the program registered it."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any] = field(repr=False)
    raw: Any = field(repr=False)

    @property
    def parent(self) -> str:
        return self.raw.parent

    @property
    def dependencies(self) -> set[str]:
        return set(self.raw.dependencies)

    @property
    def deleted_with(self) -> str:
        return self.raw.deletedWith

    @property
    def ignore_changes(self) -> list[str]:
        return list(self.raw.ignoreChanges)

    def is_secret(self, key: str) -> bool:
        return isinstance(self.inputs[key], dict) and self.inputs[key].get(SECRET_KEY) == SECRET


class RecordingMonitor(mocks.MockMonitor):
    """A mock monitor that keeps every request and refuses a URN twice, as the engine does."""

    def __init__(self, answers: mocks.Mocks) -> None:
        super().__init__(answers)
        self.registrations: dict[str, Registration] = {}
        self.invokes: list[Any] = []
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        with self._lock:
            assert response.urn not in self.registrations, f"duplicate resource URN {response.urn}"
            inputs = json_format.MessageToDict(request.object)
            self.registrations[response.urn] = Registration(
                response.urn, request.type, request.name, inputs, request
            )
        return response

    def Invoke(self, request: Any) -> Any:
        self.invokes.append(request)
        return super().Invoke(request)


@dataclass(frozen=True)
class Deployment:
    """The registrations and exports of a program. Unknown outputs are UNKNOWN."""

    registrations: Mapping[str, Registration] = field(repr=False)
    invokes: list[Any] = field(repr=False)
    outputs: dict[str, Any]
    secret_outputs: set[str]

    def of(self, type_: str) -> list[Registration]:
        return [r for r in self.registrations.values() if r.type == type_]

    def one(self, type_: str, name: str) -> Registration:
        found = [r for r in self.of(type_) if r.name == name]
        assert len(found) == 1, (
            f"{len(found)} of {type_} {name}; there are {[r.name for r in self.of(type_)]}"
        )
        return found[0]


@dataclass
class Answers(mocks.Mocks):
    """Answers of AWS: ids from names, addresses from documentation ranges."""

    preview: bool = False
    calls: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(CALLS))

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = plain(args.inputs)
        if self.preview:
            return "", inputs
        outputs = COMPUTED.get(args.typ, lambda name: {})(args.name)
        return f"{args.name}-id", {**inputs, **outputs}

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        assert args.token in self.calls, f"the program calls {args.token}, which no test expects"
        if args.token == OFFERINGS:
            return _offerings(args.args["filters"][0]["values"])
        return self.calls[args.token] | dict(args.args)


OFFERINGS = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"


def _offerings(types: list[str]) -> dict[str, Any]:
    """Every zone of eu-west-1 has every type."""
    pairs = [(each, f"eu-west-1{letter}") for letter in "cba" for each in types]
    return {"instanceTypes": [kind for kind, _ in pairs], "locations": [zone for _, zone in pairs]}


CALLS: dict[str, dict[str, Any]] = {
    "aws:index/getRegion:getRegion": {"region": "eu-west-1", "id": "eu-west-1"},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
    "aws:index/getPartition:getPartition": {"partition": "aws"},
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {},
    "aws:ssm/getParameter:getParameter": {"value": "ami-0123456789abcdef0"},
}
COMPUTED: dict[str, Callable[[str], dict[str, Any]]] = {
    "aws:ec2/instance:Instance": lambda name: {"privateIp": "10.0.0.10", "publicIp": "198.51.100.10"},
    "aws:ec2/eip:Eip": lambda name: {"publicIp": "198.51.100.7", "allocationId": f"eipalloc-{name}"},
    "aws:iam/role:Role": lambda name: {"name": f"{name}-name"},
    "aws:iam/instanceProfile:InstanceProfile": lambda name: {"name": f"{name}-name"},
    "aws:s3/bucket:Bucket": lambda name: {"bucket": f"{name}-bucket"},
}


def deploy(
    program: Callable[[], Any] | str | Path = PROJECT / "__main__.py",
    *,
    config: Mapping[str, str] | None = None,
    preview: bool = False,
    stack_name: str = "dev",
    answers: mocks.Mocks | None = None,
) -> Deployment:
    """Run the program (a function, or the path of a `__main__.py`) to its end; its errors are raised."""
    return contextvars.copy_context().run(
        _deploy, program, dict(config or {}), preview, stack_name, answers or Answers(preview)
    )


def _deploy(
    program: Any, config: dict[str, str], preview: bool, stack_name: str, answers: mocks.Mocks
) -> Deployment:
    settings.ROOT.set(None)
    monitor = RecordingMonitor(answers)
    runtime_config.set_all_config(config, [])
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(None),
            project="microcosm",
            stack=stack_name,
            dry_run=preview,
            organization="organization",
            root_directory=os.getcwd(),
            callbacks=None,
            outputs=set(),
            package_refs={},
            base_providers_by_ref={},
        )
    )
    run = (
        program if callable(program) else (lambda: runpy.run_path(str(program), run_name="__main__") and None)
    )
    # No test reads where a resource was declared, and each stack trace formats the whole stack.
    with _event_loop() as loop, mock.patch.object(resource, "_get_stack_trace", source_pb2.StackTrace):
        outputs, secrets = loop.run_until_complete(_run(run))
    return Deployment(monitor.registrations, monitor.invokes, outputs, secrets)


@contextlib.contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Create an event loop for the program, with one thread for the calls of the monitor, and close both
    afterwards.

    The mock monitor gives each calling thread a loop and never closes it; the garbage collector would warn
    during another test.
    """
    loop, loop_of_calls = asyncio.new_event_loop(), asyncio.new_event_loop()
    loop.set_default_executor(
        ThreadPoolExecutor(1, initializer=asyncio.set_event_loop, initargs=(loop_of_calls,))
    )
    try:
        yield loop
    finally:
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        loop_of_calls.close()


async def _run(program: Callable[[], Any]) -> tuple[dict[str, Any], set[str]]:
    exports: dict[str, Any] = {}

    def body() -> Any:
        result = program()
        exports.update(settings.get_root_resource().outputs)
        return result

    await stack.run_in_stack(body)
    values, secrets = {}, set()
    for key, value in exports.items():
        output = pulumi.Output.from_input(value)
        values[key] = await output.future() if await output.is_known() else UNKNOWN
        if await output.is_secret():
            secrets.add(key)
    return values, secrets


__all__ = ["PROJECT", "UNKNOWN", "Answers", "Deployment", "Registration", "deploy", "plain"]
