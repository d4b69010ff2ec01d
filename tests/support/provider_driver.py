"""Drives the stand-in aws provider as the engine does: check, then create, or diff and update; refresh by read; delete."""

from dataclasses import dataclass, replace
from typing import Any

import boto3
from pulumi.runtime.proto import provider_pb2, status_pb2

from rehearsal.aws_provider.service import AwsProvider
from rehearsal.aws_provider.wire import UNKNOWN, from_struct, to_struct

SEED = b"\x01" * 32


class Refusal(Exception):
    """The provider answered with an error; `id` is set where the resource was made all the same."""

    def __init__(self, message: str, id_: str = "") -> None:
        super().__init__(message)
        self.id = id_


class Context:
    """A gRPC context that raises what a client would see."""

    def abort(self, code: Any, details: str) -> None:
        raise Refusal(details)

    def abort_with_status(self, status: Any) -> None:
        details = status_pb2.Status.FromString(dict(status.trailing_metadata)["grpc-status-details-bin"]).details
        failure = provider_pb2.ErrorResourceInitFailed()
        assert details[0].Unpack(failure), "the engine would not recognise this detail"
        raise Refusal(status.details, failure.id)


@dataclass(frozen=True)
class Live:
    """A resource as the engine's state has it."""

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


class Driver:
    def __init__(self, session: boto3.Session, **configuration: Any) -> None:
        self.provider = AwsProvider()
        self.context = Context()
        self.provider.Configure(provider_pb2.ConfigureRequest(args=to_struct(configuration)), self.context)
        # A session of its own would read the models of the services once more: 0.2 s for EC2 alone.
        self.provider.aws.session = session

    def check(self, type_: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
        request = provider_pb2.CheckRequest(urn=urn(type_, name), olds=to_struct(old or {}), news=to_struct(inputs), randomSeed=SEED)
        response = self.provider.Check(request, self.context)
        return from_struct(response.inputs), [failure.reason for failure in response.failures]

    def checked(self, type_: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
        checked, failures = self.check(type_, name, inputs, old)
        if failures:
            raise Refusal("; ".join(failures))
        return checked

    def preview(self, type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
        request = provider_pb2.CreateRequest(urn=urn(type_, name), properties=to_struct(self.checked(type_, name, inputs)), preview=True)
        return from_struct(self.provider.Create(request, self.context).properties)

    def create_raw(self, type_: str, name: str, inputs: dict[str, Any]) -> Any:
        request = provider_pb2.CreateRequest(urn=urn(type_, name), properties=to_struct(inputs))
        return self.provider.Create(request, self.context)

    def create(self, type_: str, name: str, /, **inputs: Any) -> Live:
        checked = self.checked(type_, name, inputs)
        response = self.create_raw(type_, name, checked)
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
        )
        return self.provider.Diff(request, self.context)

    def up(self, live: Live, ignore: tuple[str, ...] = (), /, **inputs: Any) -> tuple[Live, set[str]]:
        """Plan and update as the engine does, which resets ignored inputs to those of the state before Check.

        Source: pulumi/pulumi 3.260.0, pkg/resource/deploy/step_generator.go, processIgnoreChanges.
        """
        kept = {name: live.inputs[name] for name in ignore if live.inputs.get(name) is not None}
        wanted = {name: value for name, value in inputs.items() if name not in ignore} | kept
        changes = set(self.diff(live, ignore, **wanted).detailedDiff)
        return (self.update(live, ignore, **wanted) if changes else live), changes

    def changes(self, live: Live, /, **inputs: Any) -> set[str]:
        return set(self.diff(live, **inputs).detailedDiff)

    def update(self, live: Live, ignore: tuple[str, ...] = (), /, *, preview: bool = False, **inputs: Any) -> Live:
        checked = self.checked(live.type, live.name, inputs, live.inputs)
        states = {"olds": to_struct(live.state), "news": to_struct(checked)}
        request = provider_pb2.UpdateRequest(id=live.id, urn=live.urn, preview=preview, ignoreChanges=ignore, **states)
        response = self.provider.Update(request, self.context)
        return replace(live, inputs=checked, state=from_struct(response.properties))

    def refresh(self, live: Live) -> Live | None:
        request = provider_pb2.ReadRequest(id=live.id, urn=live.urn, properties=to_struct(live.state), inputs=to_struct(live.inputs))
        response = self.provider.Read(request, self.context)
        if not response.id:
            return None
        return replace(live, inputs=from_struct(response.inputs), state=from_struct(response.properties))

    def delete(self, live: Live) -> None:
        self.provider.Delete(provider_pb2.DeleteRequest(id=live.id, urn=live.urn, properties=to_struct(live.state)), self.context)

    def invoke(self, function: str, /, **arguments: Any) -> dict[str, Any]:
        response = self.provider.Invoke(provider_pb2.InvokeRequest(tok=function, args=to_struct(arguments)), self.context)
        return from_struct(getattr(response, "return"))


__all__ = ["UNKNOWN", "Context", "Driver", "Live", "Refusal", "urn"]
