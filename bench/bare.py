"""Build the floor of an engine run: the program's resources as the engine recorded them. Pure.

Kinds, counts and inputs are the program's. The record leaves out the program's additions: components'
parents, explicit waits, data sources, applies and the readiness wait. It keeps references between resources,
and a namespace before the objects in it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pulumi.runtime.rpc import UNKNOWN

SECRET_KEY, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
STACK = "pulumi:pulumi:Stack"
NAMESPACE = "kubernetes:core/v1:Namespace"
# The SDK's classes or the provider fill these in; no class of the aws SDK takes tagsAll.
IMPLIED = {"apiVersion", "kind", "version", "tagsAll"}

Resource = Mapping[str, Any]


def record(resources: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return the declarations of the bare program; each refers only to earlier ones.

    `resources` are those of a state, or of a preview, in which an unknown value becomes a reference too.
    """
    own = {each["urn"]: each for each in resources if not _is_engines(each)}
    return [_bare(each, own) for each in own.values()]


def _is_engines(resource: Resource) -> bool:
    """Return whether the engine makes this resource for every program: the stack, a default provider."""
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
        "after": [
            urn for urn in resource.get("dependencies") or () if urn in own and own[urn]["type"] == NAMESPACE
        ],
        "provider": _provider(resource, own),
        "deletedWith": resource.get("deletedWith") or None,
    }


def _provider(resource: Resource, own: Mapping[str, Resource]) -> str | None:
    """Return the explicit provider; a reference to a provider reads `urn::id`."""
    urn = (resource.get("provider") or "").rpartition("::")[0]
    return urn if urn in own else None


def _revealed(value: Any) -> Any:
    """Return a value without its secret wrappers and the engine's own entries."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if entries.get(SECRET_KEY) == SECRET:
            return _revealed(_plain(entries))
        return {key: _revealed(item) for key, item in entries.items() if not key.startswith("__")}
    return [_revealed(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _plain(secret: Mapping[str, Any]) -> Any:
    return json.loads(secret["plaintext"]) if "plaintext" in secret else secret.get("value")


def _referring(value: Any, sources: Sequence[Resource]) -> Any:
    """Replace each text that is an output of a dependency by `{"of": urn, "output": name}`."""
    if isinstance(value, dict):
        return {key: _referring(item, sources) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_referring(item, sources) for item in cast("list[Any]", value)]
    if not isinstance(value, str) or not sources:
        return value
    if value == UNKNOWN:
        return {"of": sources[0]["urn"], "output": "id"}
    return next(
        ({"of": each["urn"], "output": output} for each in sources if (output := _output_with(value, each))),
        value,
    )


def _output_with(value: str, resource: Resource) -> str | None:
    if resource.get("id") == value:
        return "id"
    outputs: Mapping[str, Any] = resource.get("outputs") or {}
    return next((name for name, output in outputs.items() if output == value), None)
