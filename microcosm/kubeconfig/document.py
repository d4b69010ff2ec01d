"""Fetch, merge and remove the cluster's kubeconfig.

A published kubeconfig is accepted only if the running control plane wrote it. Merging and removing are pure
functions on documents; kubeconfig_file.py reads and writes the files.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import yaml

from infra.config.naming import Names
from infra.node.report import PLACEHOLDER

from ..aws import machines
from ..aws.session import Session
from ..errors import OperatorError, UsageError
from ..pulumi_cli.target import Target

Document = dict[str, Any]
# The lists of a kubeconfig, and the key of an entry's content beside its name.
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
CURRENT = "current-context"


def entry_name(stack: str) -> str:
    """Return the name of this stack's cluster, user and context in a merged kubeconfig."""
    return f"microcosm-{stack}"


def fetch(session: Session, target: Target) -> Document:
    """Fetch the kubeconfig that the running control plane has published; name its entries after the stack."""
    running = machines.control_plane(session, target.stack, target.region)
    ssm = session.client("ssm")
    parameter = Names(stack=target.stack).parameter("kubeconfig")
    try:
        value = str(ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as absent:
        raise OperatorError(
            f"{parameter} does not exist in {target.region}: run `pulumi up` to declare it"
        ) from absent
    return renamed(parse_published(value, running.instance, target.stack), entry_name(target.stack))


def parse_published(value: str, instance: str, stack: str) -> Document:
    """Return the kubeconfig inside the published document, if this instance wrote it."""
    wait = f"`microcosm timeline --stack {stack}` shows its progress"
    if value == PLACEHOLDER:
        raise OperatorError(f"the control plane {instance} has not published its kubeconfig yet: {wait}")
    try:
        document = cast(Mapping[str, Any], json.loads(value))
        writer, text = str(document["instance"]), str(document["kubeconfig"])
        config: Any = yaml.safe_load(text)
        names = [_only(config, section)["name"] for section in SECTIONS]
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as problem:
        raise OperatorError(
            f"/microcosm/{stack}/kubeconfig is not a control plane's document ({type(problem).__name__}): "
            f"{wait}"
        ) from problem
    if writer != instance:
        raise OperatorError(
            f"the published kubeconfig is of {writer}, an earlier control plane; {instance} has not "
            f"published its own yet: {wait}"
        )
    assert all(isinstance(name, str) for name in names)
    return cast(Document, config)


def _only(config: Any, section: str) -> Document:
    (entry,) = config[section]
    return entry


def renamed(config: Mapping[str, Any], name: str) -> Document:
    """Rename cluster, user and context, and make the context the current one."""
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
    """Return the host of the API server's address: the control plane's, which serves the NodePorts too."""
    server = str(_only(config, "clusters")["cluster"]["server"])
    return server.split("://", 1)[-1].rsplit(":", 1)[0].strip("/[]")


def check(document: Any, where: str) -> Document:
    """Return the document if it can be edited without loss; UsageError says what is wrong with it."""
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"{where} is not a kubeconfig (a mapping is expected): nothing was changed")
    config = cast(Document, document)
    for section, content in SECTIONS.items():
        entries: Any = [] if config.get(section) is None else config[section]
        if not isinstance(entries, list) or not all(map(_is_named, cast(list[Any], entries))):
            raise UsageError(
                f"{where}: {section} is not a list of named entries (name, {content}): nothing was changed"
            )
    return config


def _is_named(entry: Any) -> bool:
    return isinstance(entry, dict) and "name" in entry


def merge(config: Document, ours: Document, use: bool) -> Document:
    """Insert or replace our three entries; every other entry keeps its content and position.

    The current context changes only if `use` is set or there is none, so that the user's next kubectl command
    goes where it went before.
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
    """Remove our three entries.

    A current context that pointed at them becomes empty: if another cluster took its place, the user's next
    command would go there.
    """
    kept: Document = dict(config)
    for section in SECTIONS:
        if config.get(section):
            kept[section] = [entry for entry in config[section] if entry["name"] != name]
    if config.get(CURRENT) == name:
        kept[CURRENT] = ""
    return kept


def contains(config: Document, name: str) -> bool:
    """Return whether any of our entries is there."""
    return any(entry["name"] == name for section in SECTIONS for entry in config.get(section) or [])
