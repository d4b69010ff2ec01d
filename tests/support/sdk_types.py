"""Check the inputs of both providers against the SDKs' argument classes, which are generated from the
schemas.
"""

import functools
import importlib
from typing import Any

import pulumi_kubernetes as k8s

from tests.support import sdk_schema as schema
from tests.support.engine import Registration
from tests.support.wire import from_struct, revealed

PROVIDER = "pulumi:providers:kubernetes"


def problems(resource: Registration) -> list[str]:
    """Return every reason for which the official provider would refuse the inputs; components have none."""
    if not resource.raw.custom:
        return []
    return [
        reason
        for _, reason in schema._check_object(
            revealed(from_struct(resource.raw.object)), _arguments(resource.type), ""
        )
    ]


@functools.cache
def _arguments(token: str) -> Any:
    if token.startswith("aws:"):
        return schema._arguments_class(token)
    if token == PROVIDER:
        return k8s.ProviderArgs
    # kubernetes:rbac.authorization.k8s.io/v1:ClusterRole -> pulumi_kubernetes.rbac.v1.ClusterRole
    _, path, kind = token.split(":")
    group, version = path.split("/")
    leaf = importlib.import_module(f"pulumi_kubernetes.{group.split('.')[0]}.{version}.{kind}")
    return getattr(leaf, f"{kind}InitArgs")


def input_names(resource: Registration) -> frozenset[str]:
    """Return every input of the type."""
    return frozenset(schema._properties(_arguments(resource.type)))
