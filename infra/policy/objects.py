"""Documents, who they are, and where each kind keeps its pod template."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .values import Object, dig, mapping, mappings, text

DEFAULT_NAMESPACE = "default"
# Where the pod template of each workload kind is.
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One object and where it was read: a source (empty if it was not read at all), its place in there and its first line, from 1."""

    object: Object
    source: str = ""
    index: int = 1
    line: int = 1

    @property
    def kind(self) -> str:
        return text(self.object.get("kind"))

    @property
    def name(self) -> str:
        """Its name, or the prefix of the name that it will get."""
        metadata = mapping(self.object.get("metadata"))
        return text(metadata.get("name")) or text(metadata.get("generateName")) or "(no name)"

    @property
    def namespace(self) -> str:
        return text(dig(self.object, "metadata", "namespace")) or DEFAULT_NAMESPACE

    @property
    def template(self) -> Object | None:
        """The pod template of a workload (a Pod is its own), or None."""
        path = TEMPLATES.get(self.kind)
        return None if path is None else mapping(dig(self.object, *path))


def expand(documents: Iterable[Document]) -> Iterator[Document]:
    """Each object; a List (of any kind that ends so) is the objects in it. Kubernetes has no lists in lists."""
    for document in documents:
        if is_list(document.object):
            kind = document.kind.removesuffix("List")
            for item in mappings(document.object["items"]):
                yield replace(document, object=_with_kind(item, kind))
        else:
            yield document


def is_list(value: Any) -> bool:
    """A List, or a typed one such as the DeploymentList that the API answers with."""
    return text(dig(value, "kind")).endswith("List") and isinstance(dig(value, "items"), list)


def _with_kind(item: Object, kind: str) -> Object:
    """The items of a typed list do not repeat their kind."""
    return item if item.get("kind") or not kind else {**item, "kind": kind}
