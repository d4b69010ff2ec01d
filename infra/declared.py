"""Kubernetes objects as they are declared, for the Windows rules:

Pulumi's snake_case arguments back into Kubernetes' own words.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

import pulumi

from . import lint
from .errors import ConfigError

# Pulumi's Kubernetes provider takes an object with this annotation as ready once the API server has it.
NOT_WAITED_FOR = {"pulumi.com/skipAwait": "true"}
_TYPE = re.compile(r"kubernetes:(?P<api_version>[^:]+):(?P<kind>\w+)")
# The keys below these belong to people, not to the schema.
_FREE_KEYS = {"annotations", "data", "labels", "match_labels", "node_selector"}


class Declared:
    """Collects objects by a transformation, and judges them together: some rules look at a Service and its
    pods.
    """

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []

    def collect(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Remembers a Kubernetes object and changes nothing."""
        if kind := _TYPE.fullmatch(args.type_):
            properties = cast(
                Mapping[str, Any], camel_case({k: v for k, v in args.props.items() if v is not None})
            )
            api_version = kind["api_version"].removeprefix("core/")
            self.objects.append({**properties, "apiVersion": api_version, "kind": kind["kind"]})
        return None

    def refuse_errors(self, windows_build: str | None, *, overlay: bool) -> None:
        """ConfigError with every finding that Windows would not forgive; a warning in the log for the
        rest.
        """
        findings = lint.check(self.objects, windows_build=windows_build, overlay=overlay)
        for finding in findings:
            if finding.severity is not lint.Severity.ERROR:
                pulumi.log.warn(str(finding))
        if errors := [str(finding) for finding in findings if finding.severity is lint.Severity.ERROR]:
            raise ConfigError(errors)


def camel_case(value: Any, *, free: bool = False) -> Any:
    """Pulumi's names to Kubernetes' own: `exec_` is exec, `http_get` is httpGet."""
    if isinstance(value, Mapping):
        entries = cast(Mapping[str, Any], value).items()
        return {
            key if free else _camel(key): camel_case(item, free=key in _FREE_KEYS) for key, item in entries
        }
    return [camel_case(item) for item in cast(list[Any], value)] if isinstance(value, list) else value


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)
