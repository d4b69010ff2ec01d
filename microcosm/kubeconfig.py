"""The cluster's kubeconfig: taken from the rendezvous, believed only if it is the living control plane's.

Merging and removing are plain functions on documents; where they are kept is kubeconfig_file.py's business.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import yaml

from infra.naming import Names
from infra.report import PLACEHOLDER

from . import fleet
from .aws import Session
from .errors import OperatorError, UsageError
from .target import Target

Document = dict[str, Any]
# The lists of a kubeconfig, and what an entry of each holds beside its name.
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
CURRENT = "current-context"


def entry_name(stack: str) -> str:
    """The name of this stack's cluster, user and context in a merged kubeconfig."""
    return f"microcosm-{stack}"


def fetch(session: Session, target: Target) -> Document:
    """The kubeconfig that the living control plane has published, its entries named after the stack."""
    living = fleet.control_plane(session, target.stack, target.region)
    ssm = session.client("ssm")
    parameter = Names(stack=target.stack).parameter("kubeconfig")
    try:
        value = str(ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as absent:
        raise OperatorError(f"{parameter} does not exist in {target.region}: run `pulumi up` to declare it") from absent
    return renamed(parse_rendezvous(value, living.instance, target.stack), entry_name(target.stack))


def parse_rendezvous(value: str, instance: str, stack: str) -> Document:
    """The kubeconfig inside the rendezvous document of this very instance."""
    wait = f"`microcosm timeline --stack {stack}` shows how far it is"
    if value == PLACEHOLDER:
        raise OperatorError(f"the control plane {instance} has not published its kubeconfig yet: {wait}")
    try:
        document = cast(Mapping[str, Any], json.loads(value))
        writer, text = str(document["instance"]), str(document["kubeconfig"])
        config: Any = yaml.safe_load(text)
        names = [_only(config, section)["name"] for section in SECTIONS]
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as problem:
        raise OperatorError(f"/microcosm/{stack}/kubeconfig is not what a control plane writes ({type(problem).__name__}): {wait}") from problem
    if writer != instance:
        raise OperatorError(f"the published kubeconfig is of {writer}, an earlier control plane; {instance} has not published its own yet: {wait}")
    assert all(isinstance(name, str) for name in names)
    return cast(Document, config)


def _only(config: Any, section: str) -> Document:
    (entry,) = config[section]
    return entry


def renamed(config: Mapping[str, Any], name: str) -> Document:
    """The same cluster with its three entries under one name, as the current context."""
    cluster, user, context = (dict(_only(config, section)) for section in SECTIONS)
    context["context"] = {**context["context"], "cluster": name, "user": name}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**cluster, "name": name}],
        "users": [{**user, "name": name}],
        "contexts": [{**context, "name": name}],
        CURRENT: name,
    }


def server_host(config: Mapping[str, Any]) -> str:
    """The host of the API server's address: the control plane's public one, which serves the NodePorts too."""
    server = str(_only(config, "clusters")["cluster"]["server"])
    return server.split("://", 1)[-1].rsplit(":", 1)[0].strip("/[]")


def check(document: Any, where: str) -> Document:
    """A kubeconfig that can be edited without loss, or a sentence why this one is left alone."""
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"{where} is not a kubeconfig (a mapping is expected): nothing was changed")
    config = cast(Document, document)
    for section, content in SECTIONS.items():
        entries: Any = [] if config.get(section) is None else config[section]
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and "name" in entry for entry in cast(list[Any], entries)):
            raise UsageError(f"{where}: {section} is not a list of named entries (name, {content}): nothing was changed")
    return config


def merge(config: Document, ours: Document, use: bool) -> Document:
    """The document with our three entries put in or replaced; everything else stays as it is and where it is.

    The current context is changed only when asked, or when there is none: nobody's next kubectl goes elsewhere unseen.
    """
    merged: Document = {"apiVersion": "v1", "kind": "Config", **config}
    for section in SECTIONS:
        merged[section] = _put(config.get(section) or [], _only(ours, section))
    if use or not config.get(CURRENT):
        merged[CURRENT] = ours[CURRENT]
    return merged


def _put(entries: list[Document], ours: Document) -> list[Document]:
    if any(entry["name"] == ours["name"] for entry in entries):
        return [ours if entry["name"] == ours["name"] else entry for entry in entries]
    return [*entries, ours]


def remove(config: Document, name: str) -> Document:
    """The document without our three entries. A current context that pointed at them points nowhere afterwards: the
    alternative, another cluster, would receive whatever the user types next."""
    kept: Document = dict(config)
    for section in SECTIONS:
        if config.get(section):
            kept[section] = [entry for entry in config[section] if entry["name"] != name]
    if config.get(CURRENT) == name:
        kept[CURRENT] = ""
    return kept


def contains(config: Document, name: str) -> bool:
    """Whether any of our entries is there."""
    return any(entry["name"] == name for section in SECTIONS for entry in config.get(section) or [])
