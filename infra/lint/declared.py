"""Objects of the same set that bear on a pod. An object that is not in the set says nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .objects import Document
from .values import Object, dig, labels, mapping, number, text

# Kinds whose number of pods is in the manifest, and where. A DaemonSet's depends on the nodes: at least one.
REPLICAS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "replicas"),
    "StatefulSet": ("spec", "replicas"),
    "ReplicaSet": ("spec", "replicas"),
    "ReplicationController": ("spec", "replicas"),
    "Job": ("spec", "parallelism"),
    "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
}
# Where an autoscaler has the most pods that it makes, and what it means without (KEDA, docs
# concepts/scaling-deployments).
SCALERS: Mapping[str, tuple[str, int]] = {
    "HorizontalPodAutoscaler": ("maxReplicas", 0),
    "ScaledObject": ("maxReplicaCount", 100),
}


@dataclass(frozen=True, slots=True)
class Declared:
    """The objects that rules ask about, by kind and then by namespace and name."""

    by_kind: Mapping[str, Mapping[tuple[str, str], Document]]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Declared":
        found: dict[str, dict[tuple[str, str], Document]] = {}
        for document in documents:
            if document.is_builtin or document.kind in SCALERS:
                found.setdefault(document.kind, {})[document.namespace, document.name] = document
        return cls(found)

    def all_of(self, kind: str) -> list[Document]:
        return list(self.by_kind.get(kind, {}).values())

    def services(self) -> list[Document]:
        return self.all_of("Service")

    def object(self, kind: str, namespace: str, name: str) -> Object:
        """An object in a namespace, or an empty one."""
        found = self.by_kind.get(kind, {}).get((namespace, name))
        return found.object if found else {}

    def unnamespaced(self, kind: str, name: str) -> Object:
        """An object of a kind without namespaces (StorageClass, PersistentVolume, Namespace …), or an
        empty one.
        """
        return next(
            (found.object for (_, its), found in self.by_kind.get(kind, {}).items() if its == name), {}
        )

    def runtime_class(self, name: str) -> Object | None:
        """A runtime class, or None. It has no namespace of its own."""
        return self.unnamespaced("RuntimeClass", name) or None

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        return labels(dig(self.unnamespaced("Namespace", namespace), "metadata", "labels"))

    def config_map(self, namespace: str, name: str) -> Object:
        return mapping(self.object("ConfigMap", namespace, name).get("data"))

    def most_pods(self, document: Document) -> int:
        """How many pods a workload may have: its replicas, or an autoscaler's maximum."""
        replicas = number(dig(document.object, *REPLICAS.get(document.kind, ("spec", "replicas"))), 1)
        return max([replicas, *self._autoscaled(document)])

    def _autoscaled(self, document: Document) -> list[int]:
        return [
            number(dig(scaler.object, "spec", most), default)
            for kind, (most, default) in SCALERS.items()
            for scaler in self.by_kind.get(kind, {}).values()
            if scaler.namespace == document.namespace
            and (text(dig(scaler.object, "spec", "scaleTargetRef", "kind")) or "Deployment") == document.kind
            and text(dig(scaler.object, "spec", "scaleTargetRef", "name")) == document.name
        ]
