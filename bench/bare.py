"""The floor of an engine run: the program's own resources, taken from what the engine recorded of them, without the program. Pure.

Kinds, counts and inputs are the program's. What is left out is all that the program adds: components' parents, explicit waits, data
sources, applies, the gate. What is kept is what the resources cannot be made without: references to each other, and a namespace before
what lies in it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pulumi.runtime.rpc import UNKNOWN

SECRET_KEY, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
STACK = "pulumi:pulumi:Stack"
NAMESPACE = "kubernetes:core/v1:Namespace"
# Filled in by the SDK's classes or by the provider itself.
IMPLIED = {"apiVersion", "kind", "version"}

Resource = Mapping[str, Any]


def record(resources: Sequence[Resource]) -> list[dict[str, Any]]:
    """What the bare program declares, in an order in which everything refers to what is before it.

    `resources` are those of a state, or of a preview; there a value that is not known yet becomes a reference as well.
    """
    own = {each["urn"]: each for each in resources if not _is_engines(each)}
    return [_bare(each, own) for each in own.values()]


def _is_engines(resource: Resource) -> bool:
    """The stack itself and the default providers: the engine makes them for every program."""
    type_, name = resource["type"], resource["urn"].rsplit("::", 1)[1]
    return type_ == STACK or (type_.startswith("pulumi:providers:") and name.startswith("default"))


def _bare(resource: Resource, own: Mapping[str, Resource]) -> dict[str, Any]:
    inputs: Mapping[str, Any] = resource.get("inputs") or {}
    unwanted = {*IMPLIED, *inputs.get("__defaults", ())}
    sources: Mapping[str, Sequence[str]] = resource.get("propertyDependencies") or {}
    return {
        "urn": resource["urn"],
        "type": resource["type"],
        "name": resource["urn"].rsplit("::", 1)[1],
        "custom": resource["custom"],
        "inputs": {
            name: _referring(_revealed(value), [own[urn] for urn in sources.get(name) or () if urn in own])
            for name, value in inputs.items()
            if name not in unwanted and not name.startswith("__")
        },
        "after": [urn for urn in resource.get("dependencies") or () if urn in own and own[urn]["type"] == NAMESPACE],
        "provider": _provider(resource, own),
        "deletedWith": resource.get("deletedWith") or None,
    }


def _provider(resource: Resource, own: Mapping[str, Resource]) -> str | None:
    """An explicit provider; references to providers read `urn::id`."""
    urn = (resource.get("provider") or "").rpartition("::")[0]
    return urn if urn in own else None


def _revealed(value: Any) -> Any:
    """A value without its secret wrappers and without the engine's own entries."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if entries.get(SECRET_KEY) == SECRET:
            return _revealed(_plain(entries))
        return {key: _revealed(item) for key, item in entries.items() if not key.startswith("__")}
    return [_revealed(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _plain(secret: Mapping[str, Any]) -> Any:
    return json.loads(secret["plaintext"]) if "plaintext" in secret else secret.get("value")


def _referring(value: Any, sources: Sequence[Resource]) -> Any:
    """The value with `{"of": urn, "output": name}` wherever a text is an output of a resource that it depends on."""
    if isinstance(value, dict):
        return {key: _referring(item, sources) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_referring(item, sources) for item in cast("list[Any]", value)]
    if not isinstance(value, str) or not sources:
        return value
    if value == UNKNOWN:
        return {"of": sources[0]["urn"], "output": "id"}
    return next(({"of": each["urn"], "output": output} for each in sources if (output := _output_with(value, each))), value)


def _output_with(value: str, resource: Resource) -> str | None:
    if resource.get("id") == value:
        return "id"
    outputs: Mapping[str, Any] = resource.get("outputs") or {}
    return next((name for name, output in outputs.items() if output == value), None)
