"""What the other objects of the same set say of a pod. An object that is not in the set says nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .objects import Document
from .values import Object, dig, labels, mapping, number, text

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
# Kinds whose number of pods is in the manifest, and where. A DaemonSet's depends on the nodes: at least one.
REPLICAS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "replicas"),
    "StatefulSet": ("spec", "replicas"),
    "ReplicaSet": ("spec", "replicas"),
    "ReplicationController": ("spec", "replicas"),
    "Job": ("spec", "parallelism"),
    "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
}


@dataclass(frozen=True, slots=True)
class Declared:
    """The objects that rules ask about, by kind and then by namespace and name."""

    by_kind: Mapping[str, Mapping[tuple[str, str], Document]]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Declared":
        found: dict[str, dict[tuple[str, str], Document]] = {}
        for document in documents:
            found.setdefault(document.kind, {})[document.namespace, document.name] = document
        return cls(found)

    def services(self) -> list[Document]:
        return list(self.by_kind.get("Service", {}).values())

    def runtime_class(self, name: str) -> Object | None:
        """A runtime class, or None. It has no namespace of its own."""
        return next((found.object for (_, its), found in self.by_kind.get("RuntimeClass", {}).items() if its == name), None)

    def enforced_security(self, namespace: str) -> str:
        """The Pod Security level that a namespace enforces, or an empty text."""
        found = [document.object for (_, name), document in self.by_kind.get("Namespace", {}).items() if name == namespace]
        return labels(dig(found[0], "metadata", "labels")).get(ENFORCE_LABEL, "") if found else ""

    def config_map(self, namespace: str, name: str) -> Object:
        found = self.by_kind.get("ConfigMap", {}).get((namespace, name))
        return mapping(found.object.get("data")) if found else {}

    def most_pods(self, document: Document) -> int:
        """How many pods a workload may have: its replicas, or an autoscaler's maximum."""
        path = REPLICAS.get(document.kind)
        replicas = number(dig(document.object, *path), 1) if path else 1
        return max([replicas, *self._autoscaled(document)])

    def _autoscaled(self, document: Document) -> list[int]:
        return [
            number(dig(scaler.object, "spec", "maxReplicas"), 0)
            for scaler in self.by_kind.get("HorizontalPodAutoscaler", {}).values()
            if scaler.namespace == document.namespace
            and text(dig(scaler.object, "spec", "scaleTargetRef", "kind")) == document.kind
            and text(dig(scaler.object, "spec", "scaleTargetRef", "name")) == document.name
        ]
