"""Drive the stand-in aws provider as the engine does: check, create, diff, update, refresh by read,
delete.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from rehearsal.fake_aws.process import Cloud
from tests.support.wire import UNKNOWN, from_struct, is_secret, to_struct

SEED = b"\x01" * 32


class Refusal(Exception):
    """An error of the provider; `id` is set if the resource was created anyway."""

    def __init__(self, message: str, id_: str = "") -> None:
        super().__init__(message)
        self.id = id_


@dataclass(frozen=True)
class Live:
    """A resource in the engine's state."""

    type: str
    name: str
    id: str
    inputs: dict[str, Any]
    state: dict[str, Any]

    @property
    def urn(self) -> str:
        return urn(self.type, self.name)


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::project::project:infra:Component${type_}::{name}"


@contextlib.contextmanager
def running_plugin(
    program: Path, environment: dict[str, str]
) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """Run the plugin and connect the engine's side of its protocol."""
    process = subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        options = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}", options) as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def driver_of(program: Path, cloud: Cloud | None = None, **configuration: Any) -> Iterator["Driver"]:
    """Yield a configured provider; without a cloud, every call to AWS fails at once."""
    where = (
        cloud.environment()
        if cloud
        else {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
        }
    )
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **where}
    environment = {
        name: value for name, value in environment.items() if name not in ("AWS_REGION", "AWS_DEFAULT_REGION")
    }
    with running_plugin(program, environment) as stub:
        driver = Driver(stub)
        driver.configure(configuration)
        yield driver


class Driver:
    def __init__(self, stub: provider_pb2_grpc.ResourceProviderStub) -> None:
        self.stub = stub

    def _call(self, method: str, request: Any) -> Any:
        """Make one request; an error has the user's text and the id of a created resource."""
        try:
            return getattr(self.stub, method)(request)
        except grpc.RpcError as error:
            raise Refusal(*_explained(error)) from None

    def version(self) -> str:
        return self._call("GetPluginInfo", empty_pb2.Empty()).version

    def configure(self, configuration: dict[str, Any]) -> None:
        request = provider_pb2.CheckRequest(
            urn="urn:pulumi:dev::project::pulumi:providers:aws::default", news=to_struct(configuration)
        )
        checked = self._call("CheckConfig", request)
        if checked.failures:
            raise Refusal("; ".join(failure.reason for failure in checked.failures))
        arguments = provider_pb2.ConfigureRequest(
            args=checked.inputs,
            acceptSecrets=True,
            acceptResources=True,
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
        )
        self._call("Configure", arguments)

    def check(
        self, type_: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        request = provider_pb2.CheckRequest(
            urn=urn(type_, name),
            olds=to_struct(old or {}),
            news=to_struct(inputs),
            randomSeed=SEED,
            name=name,
            type=type_,
        )
        response = self._call("Check", request)
        return from_struct(response.inputs), [failure.reason for failure in response.failures]

    def checked(
        self, type_: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        checked, failures = self.check(type_, name, inputs, old)
        if failures:
            raise Refusal("; ".join(failures))
        return checked

    def preview(self, type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
        request = provider_pb2.CreateRequest(
            urn=urn(type_, name),
            properties=to_struct(self.checked(type_, name, inputs)),
            preview=True,
            name=name,
            type=type_,
        )
        return from_struct(self._call("Create", request).properties)

    def create(self, type_: str, name: str, /, **inputs: Any) -> Live:
        checked = self.checked(type_, name, inputs)
        request = provider_pb2.CreateRequest(
            urn=urn(type_, name), properties=to_struct(checked), name=name, type=type_
        )
        response = self._call("Create", request)
        assert response.id, "the engine refuses an empty id"
        return Live(type_, name, response.id, checked, from_struct(response.properties))

    def diff(self, live: Live, ignore: tuple[str, ...] = (), /, **inputs: Any) -> Any:
        checked = self.checked(live.type, live.name, inputs or live.inputs, live.inputs)
        request = provider_pb2.DiffRequest(
            id=live.id,
            urn=live.urn,
            olds=to_struct(live.state),
            news=to_struct(checked),
            old_inputs=to_struct(live.inputs),
            ignoreChanges=ignore,
            name=live.name,
            type=live.type,
        )
        return self._call("Diff", request)

    def up(self, live: Live, ignore: tuple[str, ...] = (), /, **inputs: Any) -> tuple[Live, set[str]]:
        """Plan and update as the engine does, which resets ignored inputs to those of the state before
        Check.

        Source: pulumi/pulumi 3.260.0, pkg/resource/deploy/step_generator.go, processIgnoreChanges.
        """
        kept = {name: live.inputs[name] for name in ignore if live.inputs.get(name) is not None}
        wanted = {name: value for name, value in inputs.items() if name not in ignore} | kept
        changes = set(self.diff(live, ignore, **wanted).detailedDiff)
        return (self.update(live, ignore, **wanted) if changes else live), changes

    def changes(self, live: Live, /, **inputs: Any) -> set[str]:
        return set(self.diff(live, **inputs).detailedDiff)

    def update(
        self, live: Live, ignore: tuple[str, ...] = (), /, *, preview: bool = False, **inputs: Any
    ) -> Live:
        checked = self.checked(live.type, live.name, inputs, live.inputs)
        request = provider_pb2.UpdateRequest(
            id=live.id,
            urn=live.urn,
            olds=to_struct(live.state),
            news=to_struct(checked),
            old_inputs=to_struct(live.inputs),
            preview=preview,
            ignoreChanges=ignore,
            name=live.name,
            type=live.type,
        )
        return replace(live, inputs=checked, state=from_struct(self._call("Update", request).properties))

    def refresh(self, live: Live) -> Live | None:
        request = provider_pb2.ReadRequest(
            id=live.id,
            urn=live.urn,
            properties=to_struct(live.state),
            inputs=to_struct(live.inputs),
            name=live.name,
            type=live.type,
        )
        response = self._call("Read", request)
        if not response.id:
            return None
        return replace(
            live, id=response.id, inputs=from_struct(response.inputs), state=from_struct(response.properties)
        )

    def delete(self, live: Live, seconds: float = 0) -> None:
        """Delete the resource; `seconds` is the timeout that a program may set."""
        request = provider_pb2.DeleteRequest(
            id=live.id,
            urn=live.urn,
            properties=to_struct(live.state),
            old_inputs=to_struct(live.inputs),
            timeout=seconds,
        )
        self._call("Delete", request)

    def invoke(self, function: str, /, **arguments: Any) -> dict[str, Any]:
        response = self._call("Invoke", provider_pb2.InvokeRequest(tok=function, args=to_struct(arguments)))
        if response.failures:
            raise Refusal("; ".join(failure.reason for failure in response.failures))
        return from_struct(getattr(response, "return"))


def _explained(error: Any) -> tuple[str, str]:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                failure = provider_pb2.ErrorResourceInitFailed()
                if detail.Unpack(failure):
                    return "; ".join(failure.reasons) or error.details(), failure.id
    return error.details(), ""


__all__ = ["UNKNOWN", "Driver", "Live", "Refusal", "driver_of", "is_secret", "running_plugin", "urn"]
