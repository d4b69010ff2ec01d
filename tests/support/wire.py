"""Read and write the values of Pulumi's protocol: protobuf Structs, in which marked objects have special
meanings.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

UNKNOWN = rpc.UNKNOWN
# pulumi/pulumi, sdk/go/common/resource/sig/sig.go
SIGNATURE = "4dabf18193072939515e22adb298388d"
CONCEALED = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return struct_pb2.Struct(fields={name: _to_value(value) for name, value in values.items()})


def _to_value(value: Any) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            return struct_pb2.Value(struct_value=to_struct(value))
        case _:
            return struct_pb2.Value(
                list_value=struct_pb2.ListValue(values=[_to_value(item) for item in value])
            )


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Read properties. Absent and null are the same to the engine, a secret null included."""
    fields = {name: _from_value(value) for name, value in struct.fields.items()}
    return {name: value for name, value in fields.items() if value is not None}


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            fields = from_struct(value.struct_value)
            return None if fields == {SIGNATURE: CONCEALED} else fields
        case None | "null_value":
            return None
        case kind:
            return getattr(value, kind)


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == CONCEALED


def is_asset(value: Any) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == ASSET


def revealed(value: Any) -> Any:
    """Return the value without its secret wrappers."""
    if is_secret(value):
        return revealed(value["value"])
    match value:
        case dict():
            return {name: revealed(item) for name, item in value.items()}
        case list():
            return [revealed(item) for item in value]
        case _:
            return value
