"""What differs between the inputs that a program asks for and the state of a resource, and what of it replaces the resource."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.aws_provider.aws import Aws
from rehearsal.aws_provider.kind import Kind
from rehearsal.aws_provider.wire import UNKNOWN, Properties, has_unknowns, is_internal, visible

# Maps whose keys the user chooses: compared whole, where an object is compared in the keys that were given.
USER_MAPS = frozenset({"tags", "volumeTags", "tagsAll"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that differs."""

    path: str
    actual: Any
    wanted: Any
    replaces: bool


def differences(kind: Kind, aws: Aws, state: Properties, inputs: Properties, ignored: Iterable[str] = ()) -> list[Difference]:
    """Empty means that nothing would have to be done. Inputs that AWS chooses when they are absent are not compared."""
    tables = kind.tables
    ignored = frozenset(ignored)
    wanted = {**tables.defaults, **({"tags": {}} if kind.tagged else {}), **visible(inputs)}
    wanted = {name: _with_ignored(name, value, state, ignored) for name, value in wanted.items() if name not in tables.write_only}
    replacing = tables.replace | kind.replaces_besides(inputs, state)
    found = [
        Difference(path, actual, want, path in replacing or path.split(".")[0] in replacing)
        for name in sorted(wanted)
        for path, actual, want in _compare(kind, name, state.get(name, tables.defaults.get(name)), wanted[name])
        if not _is_ignored(path, ignored)
    ]
    if kind.tagged and "tags" not in ignored:
        found += _inherited_tags(state.get("tagsAll"), aws.all_tags(wanted["tags"]), found)
    return found + _customized(kind, state, wanted, ignored)


def wanted_inputs(kind: Kind, inputs: Properties) -> Properties:
    """The inputs with the meaning of the absent ones filled in."""
    given = {name: value for name, value in kind.tables.defaults.items() if value is not None}
    return {**given, **visible(inputs)}


def inputs_from(kind: Kind, state: Properties, inputs: Properties) -> Properties:
    """The inputs that would have given this state: what a refresh stores, so that drift shows against the program.

    An input that says the same in other words (another order, other JSON) stays as it is. A write-only input is lost, since no state has it
    (pulumi/pulumi-terraform-bridge v3.120.0, pkg/tfbridge/schema.go, extractInputsObject; its issue 3201).
    """
    kept = {name: value for name, value in inputs.items() if is_internal(name) or _equal(kind, name, state.get(name), value)}
    shown = {name: value for name, value in inputs.items() if name not in kept and state.get(name) is not None}
    return kept | {name: _projected(name, state[name], value) for name, value in shown.items()}


def _compare(kind: Kind, name: str, actual: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping) and name.split(".")[-1] not in USER_MAPS:
        for key, want in cast("Mapping[str, Any]", wanted).items():
            yield from _compare(kind, f"{name}.{key}", cast("Mapping[str, Any]", actual).get(key), want)
    elif has_unknowns(wanted) or not _equal(kind, name, actual, wanted):
        yield name, actual, wanted


def _equal(kind: Kind, name: str, actual: Any, wanted: Any) -> bool:
    if name in kind.tables.json and isinstance(actual, str) and isinstance(wanted, str):
        return _parsed(actual) == _parsed(wanted)
    if name in kind.tables.sets and isinstance(actual, list) and isinstance(wanted, list):
        return _as_set(actual) == _as_set(wanted)
    return _canonical(actual) == _canonical(wanted)


def _canonical(value: Any) -> Any:
    """Empty is absent, and scalars compare as text: a program may write "80" where AWS answers 80."""
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case Mapping():
            items = {key: _canonical(item) for key, item in cast("Mapping[str, Any]", value).items()}
            return {key: item for key, item in items.items() if item is not None} or None
        case list():
            return [_canonical(item) for item in cast("list[Any]", value)] or None
        case _:
            return str(value)


def _as_set(values: list[Any]) -> list[str]:
    return sorted(json.dumps(_canonical(value), sort_keys=True) for value in values)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_ignored(path: str, ignored: frozenset[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in ignored)


def _with_ignored(name: str, wanted: Any, state: Properties, ignored: frozenset[str]) -> Any:
    """`tags.Name` is ignored by asking for the value that it has."""
    inner = [each.removeprefix(f"{name}.") for each in ignored if each.startswith(f"{name}.")]
    if not inner or not isinstance(wanted, Mapping):
        return wanted
    actual = state.get(name) or {}
    kept = {key: value for key, value in cast("Mapping[str, Any]", wanted).items() if key not in inner}
    return kept | {key: actual[key] for key in inner if key in actual}


def _customized(kind: Kind, state: Properties, wanted: Properties, ignored: frozenset[str]) -> list[Difference]:
    """Find outputs that the official provider declares unknown because an ignored input differs.

    The bridge leaves out ignored properties after the provider's CustomizeDiff (pulumi/pulumi-terraform-bridge v3.120.0,
    pkg/tfshim/sdk-v2/provider2.go, TransformInstanceDiff): the output alone then makes an update.
    """
    return [
        Difference(name, state.get(name), UNKNOWN, replaces=False)
        for name, causes in kind.tables.customized.items()
        if name not in ignored and any(not _equal(kind, cause, state.get(cause), wanted[cause]) for cause in causes & ignored & wanted.keys())
    ]


def _inherited_tags(actual: Any, wanted: Any, found: list[Difference]) -> list[Difference]:
    """The provider's default tags may have changed while the resource's own have not."""
    if any(each.path == "tags" for each in found) or has_unknowns(wanted) or _canonical(actual) == _canonical(wanted):
        return []
    return [Difference("tagsAll", actual, wanted, replaces=False)]


def _projected(name: str, actual: Any, shape: Any) -> Any:
    """The part of an object that the inputs spoke about."""
    if name in USER_MAPS or not (isinstance(actual, Mapping) and isinstance(shape, Mapping)):
        return actual
    known = cast("Mapping[str, Any]", actual)
    asked = cast("Mapping[str, Any]", shape)
    return {key: _projected(key, known[key], value) for key, value in asked.items() if known.get(key) is not None}
