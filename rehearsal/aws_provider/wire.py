"""Values as the engine sends them (protobuf Structs with sentinels) and as the rest of this package uses them (plain Python)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value
from pulumi.runtime import rpc

Properties = dict[str, Any]


class Signature(StrEnum):
    """How the protocol marks objects that stand for something else (pulumi/pulumi, sdk/go/common/resource/sig/sig.go)."""

    KEY = "4dabf18193072939515e22adb298388d"
    CONCEALED = "1b47061264138c4ac30d75fd1eb44270"
    ASSET = "c44067f5952c0a294b673a41bacd8c17"


class _Unknown:
    """A value that is not known yet: the engine is previewing."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine must encrypt in its state and never print."""

    value: Any


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or a text given to an input; the engine has already made a path of every other kind."""

    fields: Mapping[str, Any]

    def content(self) -> bytes:
        if "text" in self.fields:
            return str(self.fields["text"]).encode()
        with open(self.fields["path"], "rb") as file:
            return file.read()


def from_struct(struct: Struct) -> Properties:
    """Nulls are dropped: to the engine an absent property and a null one are the same."""
    fields = {name: _from_value(value) for name, value in struct.fields.items()}
    return {name: value for name, value in fields.items() if value is not None}


def _from_value(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "string_value":
            return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            return _from_object(value.struct_value)
        case _:
            return None


def _from_object(struct: Struct) -> Any:
    fields = from_struct(struct)
    match fields.pop(Signature.KEY, None):
        case None:
            return fields
        case Signature.CONCEALED:
            return fields["value"]
        case Signature.ASSET:
            return Asset(fields)
        case signature:
            raise ValueError(f"the engine sent a value with the signature {signature}, which this provider did not ask for")


def to_struct(properties: Mapping[str, Any]) -> Struct:
    return Struct(fields={name: _to_value(value) for name, value in properties.items() if value is not None})


def _to_value(value: Any) -> Value:
    match value:
        case None:
            return Value(null_value=0)  # pyright: ignore[reportArgumentType]
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case _Unknown():
            return Value(string_value=rpc.UNKNOWN)
        case Secret():
            return _special(Signature.CONCEALED, {"value": value.value})
        case Asset():
            return _special(Signature.ASSET, value.fields)
        case Mapping():
            return Value(struct_value=to_struct(value))
        case _:
            return Value(list_value=ListValue(values=[_to_value(item) for item in value]))


def _special(signature: str, fields: Mapping[str, Any]) -> Value:
    return Value(struct_value=to_struct({Signature.KEY: signature, **fields}))


def is_internal(name: str) -> bool:
    """The engine and this provider keep notes of their own among the inputs."""
    return name.startswith("__")


def visible(inputs: Mapping[str, Any]) -> Properties:
    return {name: value for name, value in inputs.items() if not is_internal(name)}


def has_unknowns(value: Any) -> bool:
    match value:
        case _Unknown():
            return True
        case Mapping():
            return any(has_unknowns(item) for item in value.values())
        case list():
            return any(has_unknowns(item) for item in value)
        case _:
            return False
