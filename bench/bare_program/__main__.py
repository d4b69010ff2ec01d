"""Declare the resources of record.json by the SDKs' own classes: a Pulumi program of bare resources."""

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pulumi

RECORD = Path("record.json")
MODULES = {"aws": "pulumi_aws", "kubernetes": "pulumi_kubernetes"}

declared: dict[str, Any] = {}


def class_of(token: str) -> Any:
    """Return the SDK's class of a type token.

    `aws:ec2/vpc:Vpc` is pulumi_aws.ec2.Vpc, `kubernetes:apps/v1:DaemonSet` is
    pulumi_kubernetes.apps.v1.DaemonSet.
    """
    package, module, name = token.split(":")
    if package == "pulumi":
        return importlib.import_module(MODULES[name]).Provider
    folder, _, leaf = module.partition("/")
    path = [MODULES[package], folder.split(".")[0], *([leaf] if package == "kubernetes" else [])]
    return getattr(importlib.import_module(".".join(path)), name)


def argument(name: str) -> str:
    """Convert Pulumi's name of a property to Python's: `cidrBlock` to cidr_block."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def resolved(value: Any) -> Any:
    """Return the value with outputs in place of references."""
    if isinstance(value, list):
        return [resolved(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    entries = cast("dict[str, Any]", value)
    if entries.keys() == {"of", "output"}:
        return getattr(declared[entries["of"]], argument(entries["output"]))
    return {key: resolved(item) for key, item in entries.items()}


def declare(entry: Mapping[str, Any]) -> Any:
    """Declare one resource."""
    if not entry["custom"]:
        return pulumi.ComponentResource(entry["type"], entry["name"])
    options = pulumi.ResourceOptions(
        depends_on=[declared[urn] for urn in entry["after"]],
        provider=declared[entry["provider"]] if entry["provider"] else None,
        deleted_with=declared[entry["deletedWith"]] if entry["deletedWith"] else None,
    )
    inputs = {argument(name): resolved(value) for name, value in entry["inputs"].items()}
    return class_of(entry["type"])(entry["name"], **inputs, opts=options)


for each in json.loads(RECORD.read_text()):
    declared[each["urn"]] = declare(each)
