"""Check inputs against the SDK's argument classes, as the official provider checks them against its schema.

The classes are generated from that schema, so an unknown, missing or mistyped property is found at any depth.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import typing
from collections.abc import Awaitable, Iterator, Mapping
from types import UnionType
from typing import Any

import pulumi
from pulumi import _types  # pyright: ignore[reportPrivateUsage]

from tests.support.wire import UNKNOWN, is_asset


def input_names(token: str) -> frozenset[str]:
    return frozenset(_properties(_arguments_class(token)))


def input_paths(token: str) -> frozenset[str]:
    """Return every input, with the paths into objects (`rootBlockDevice.tags`)."""
    return frozenset(_paths(_arguments_class(token), ""))


def output_paths(token: str) -> frozenset[str]:
    """Return every property of the type's state, with the paths into objects."""
    module, name = _module(token)
    return frozenset(_paths(getattr(module, f"_{name}State"), ""))


def function_names(token: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the arguments and the results of a function."""
    module, name = _module(token)
    arguments = inspect.signature(getattr(module, _snake(name))).parameters.keys() - {"opts"}
    result = getattr(module, f"{name[0].upper()}{name[1:]}Result")
    results = {attribute for attribute, value in vars(result).items() if isinstance(value, property)}
    return frozenset(map(_camel, arguments)), frozenset(map(_camel, results))


def _paths(cls: type[Any], path: str) -> Iterator[str]:
    for name, annotation in _properties(cls).items():
        yield path + name
        for member in _members(annotation):
            items = typing.get_args(member) or (member,)
            for nested in _members(items[-1]):
                if isinstance(nested, type) and _types.is_input_type(nested):
                    yield from _paths(nested, f"{path}{name}.")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)


def _module(token: str) -> tuple[Any, str]:
    """Import `aws:ec2/internetGateway:InternetGateway` as pulumi_aws.ec2.internet_gateway, which is quicker
    than the package.
    """
    _, path, name = token.split(":")
    package, leaf = path.split("/")
    folder = "pulumi_aws" if package == "index" else f"pulumi_aws.{package}"
    return importlib.import_module(f"{folder}.{_snake(leaf)}"), name


@functools.cache
def _arguments_class(token: str) -> type[Any]:
    module, name = _module(token)
    return getattr(module, f"{name}Args", None) or getattr(module, f"{name}InitArgs")


@functools.cache
def _properties(cls: type[Any]) -> dict[str, Any]:
    """Return the wire's property names and their Python types."""
    names = _types.input_type_py_to_pulumi_names(cls)
    # pulumi.Input[T] is a union that names its member Output[T] as text.
    scope = {**vars(importlib.import_module(cls.__module__)), "Output": pulumi.Output, "T": Any}
    return {
        name: typing.get_type_hints(getattr(cls, attribute).fget, scope)["return"]
        for attribute, name in names.items()
    }


@functools.cache
def _required(cls: type[Any]) -> frozenset[str]:
    names = _types.input_type_py_to_pulumi_names(cls)
    parameters = inspect.signature(cls.__init__).parameters.values()
    return frozenset(
        names[p.name] for p in parameters if p.name in names and p.default is inspect.Parameter.empty
    )


def _check_object(value: Mapping[str, Any], cls: type[Any], path: str) -> Iterator[tuple[str, str]]:
    known = _properties(cls)
    for name in sorted(_required(cls) - value.keys()):
        yield path + name, f"Missing required property {path + name!r}."
    for name, item in value.items():
        if name.startswith("__"):
            continue
        if name in known:
            yield from _check(item, known[name], path + name)
        else:
            yield path + name, f"Unknown property {path + name!r}; accepted are {', '.join(sorted(known))}."


def _check(value: Any, annotation: Any, path: str) -> Iterator[tuple[str, str]]:
    """Check a value. A union accepts any of its members; the error is that of the most specific member."""
    if value is None or value == UNKNOWN:
        return
    complaints = [list(_check_member(value, member, path)) for member in _members(annotation)]
    if complaints and all(complaints):
        yield from max(complaints, key=lambda each: len(each[0][0]))


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the types that a value on the wire can have: no outputs, and no typed dictionaries, which repeat
    the Args classes.
    """
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    elif (
        origin not in (pulumi.Output, Awaitable)
        and annotation is not type(None)
        and not typing.is_typeddict(annotation)
    ):
        yield annotation


def _check_member(value: Any, member: Any, path: str) -> Iterator[tuple[str, str]]:
    shape = getattr(typing.get_origin(member), "__name__", "")
    if shape in ("list", "Sequence"):
        yield from _check_list(value, typing.get_args(member)[0], path)
    elif shape in ("dict", "Mapping"):
        yield from _check_map(value, typing.get_args(member)[1], path)
    elif isinstance(member, type) and _types.is_input_type(member):
        if isinstance(value, Mapping):
            yield from _check_object(typing.cast("Mapping[str, Any]", value), member, f"{path}.")
        else:
            yield path, f"Expected an object for {path!r}, got {value!r}."
    elif not _is_scalar(value, member):
        yield path, f"Expected {getattr(member, '__name__', member)} for {path!r}, got {value!r}."


def _check_list(value: Any, item_type: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield path, f"Expected a list for {path!r}, got {value!r}."
        return
    for index, item in enumerate(typing.cast("list[Any]", value)):
        yield from _check(item, item_type, f"{path}[{index}]")


def _check_map(value: Any, item_type: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        yield path, f"Expected a map for {path!r}, got {value!r}."
        return
    for key, item in typing.cast("Mapping[str, Any]", value).items():
        yield from _check(item, item_type, f"{path}.{key}")


def _is_scalar(value: Any, member: Any) -> bool:
    """Apply Terraform's conversions: a number or a boolean may be a text, and a text may be either."""
    if member is bool:
        return isinstance(value, bool) or value in ("true", "false")
    if member in (int, float):
        return (isinstance(value, int | float) and not isinstance(value, bool)) or (
            isinstance(value, str) and _is_number(value)
        )
    if member is str:
        return isinstance(value, str | int | float | bool)
    if is_asset(value):
        return "Asset" in getattr(member, "__name__", "")
    return not isinstance(value, Mapping | list)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
