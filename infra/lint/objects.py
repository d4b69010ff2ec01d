"""Documents, their identities, and where the pod templates of each kind are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .values import Object, dig, items, mapping, mappings, text

DEFAULT_NAMESPACE = "default"
# Where the pod template of each workload kind of Kubernetes is.
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
# Deeper than any custom resource keeps its pod template.
_DEEPEST = 24
# Keys below which a kind that is not known keeps what becomes containers, in a form of its own.
_HINTS = frozenset({"container", "containers", "image", "podSpec", "podTemplate", "podTemplateSpec"})
# The schema of a custom resource describes such keys, and a policy has patterns of them; neither makes a pod.
_NO_PODS = frozenset({"CustomResourceDefinition", "Kustomization", "Component"})
_NO_PODS_GROUPS = ("kyverno.io", "gatekeeper.sh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One object and where it was read: a source (empty if it was not read at all), its place in there and
    its first line, from 1.

    Of a list, `item_lines` has the first line of each item, where they are known. `found` is a pod template
    of a kind that is not Kubernetes' own, and `where` the path to it.
    """

    object: Object
    source: str = ""
    index: int = 1
    line: int = 1
    item_lines: tuple[int, ...] = ()
    found: Object | None = None
    where: str = ""

    @property
    def kind(self) -> str:
        return text(self.object.get("kind"))

    @property
    def group(self) -> str:
        """The API group; empty for the core group, and for an object that does not say."""
        return text(self.object.get("apiVersion")).rpartition("/")[0]

    @property
    def is_builtin(self) -> bool:
        """Whether Kubernetes itself serves the kind: a Service of serving.knative.dev is another thing."""
        return "." not in self.group or self.group.endswith(".k8s.io")

    @property
    def may_make_pods(self) -> bool:
        """Whether a kind that is not of Kubernetes' own workloads may hold pod templates."""
        of_kubernetes = self.is_builtin and self.kind in TEMPLATES
        return not of_kubernetes and self.kind not in _NO_PODS and not self.group.endswith(_NO_PODS_GROUPS)

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
        path = TEMPLATES.get(self.kind) if self.is_builtin else None
        return self.found if path is None else mapping(dig(self.object, *path))


def expand(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield each object; a List (of any kind that ends so) is the objects in it.

    A list in a list is taken apart too, although kubectl takes one level.
    """
    for document in documents:
        yield from _expanded(document, _DEEPEST)


def _expanded(document: Document, depth: int) -> Iterator[Document]:
    if depth == 0 or not is_list(document.object):
        yield document
        return
    listed = items(document.object["items"])
    lines = document.item_lines if len(document.item_lines) == len(listed) else [document.line] * len(listed)
    for item, line in zip(listed, lines, strict=True):
        if isinstance(item, Mapping):
            inner = replace(document, object=_of_list(item, document.object), line=line, item_lines=())
            yield from _expanded(inner, depth - 1)


def workloads(document: Document) -> Iterator[Document]:
    """Yield the document once for each pod template in it: one of a kind of Kubernetes, any number of a
    custom resource.
    """
    if document.template is not None:
        yield document
    elif document.kind and document.may_make_pods:
        for where, template in _templates(document.object, "", _DEEPEST, set()):
            yield replace(document, found=template, where=where)


def not_looked_into(documents: Iterable[Document]) -> list[str]:
    """Name the kinds whose objects may make pods in a form that no rule reads, with their number."""
    counted: dict[str, int] = {}
    for document in expand(documents):
        if (
            not document.is_builtin
            and document.may_make_pods
            and not any(workloads(document))
            and _hints(document.object, _DEEPEST, set())
        ):
            name = f"{document.kind} of {document.group}"
            counted[name] = counted.get(name, 0) + 1
    return [
        f"{count} {name}: not looked into, lint finds no whole pod template there"
        for name, count in counted.items()
    ]


def is_list(value: Any) -> bool:
    """A List, or a typed one such as the DeploymentList that the API answers with."""
    return text(dig(value, "kind")).endswith("List") and isinstance(dig(value, "items"), list)


def _of_list(item: Object, listing: Object) -> Object:
    """The items of a typed list do not repeat its version and their kind."""
    kind = text(listing.get("kind")).removesuffix("List")
    if item.get("kind") or not kind:
        return item
    return {"apiVersion": listing.get("apiVersion"), **item, "kind": kind}


def _templates(value: Any, where: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Object]]:
    """Yield what looks like a pod template ({spec: {containers: […]}}), or like a pod spec alone, and the
    path to it.

    Each part of an object is visited once: aliases of YAML may make it endless.
    """
    if depth == 0 or id(value) in seen:
        return
    if isinstance(value, Mapping):
        seen.add(id(value))
        if where and _is_pod_spec(mapping(value.get("spec"))):
            yield where, value
        elif _is_pod_spec(value):
            yield where, {"spec": value}
        else:
            for key, item in value.items():
                yield from _templates(item, f"{where}.{key}" if where else str(key), depth - 1, seen)
    elif isinstance(value, list):
        seen.add(id(value))
        for index, item in enumerate(value):
            yield from _templates(item, f"{where}[{index}]", depth - 1, seen)


def _is_pod_spec(value: Object) -> bool:
    """Whether it looks like one; a container of Knative's needs no name."""
    containers = mappings(value.get("containers"))
    return bool(containers) and all(text(item.get("image")) for item in containers)


def _hints(value: Any, depth: int, seen: set[int]) -> bool:
    if depth == 0 or id(value) in seen or not isinstance(value, Mapping | list):
        return False
    seen.add(id(value))
    if isinstance(value, Mapping):
        return any(
            (key in _HINTS and bool(item)) or _hints(item, depth - 1, seen) for key, item in value.items()
        )
    return any(_hints(item, depth - 1, seen) for item in value)
