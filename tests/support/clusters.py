"""Build the objects of a cluster as the Kubernetes API returns them, for the tests of the smoke test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


def node(
    name: str,
    *,
    ready: bool = True,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Json:
    """A node; its system follows from its name."""
    system = "windows" if name.startswith("windows") else "linux"
    metadata = {
        "name": name,
        "labels": {"kubernetes.io/os": system, **(labels or {})},
        "annotations": dict(annotations or {}),
    }
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}


CONTROL_PLANE = node("control-plane", labels={"node-role.kubernetes.io/control-plane": ""})
STAND_IN = node("windows-0", labels={"microcosm/stand-in": "true"})


def service(name: str, cluster_ip: str, node_port: int | None = None) -> Json:
    port = {"port": 80} | ({"nodePort": node_port} if node_port else {})
    return {
        "metadata": {"name": name},
        "spec": {"clusterIP": cluster_ip, "ports": [port], "selector": {"app": name}},
    }


def endpoint(name: str, ip: str, port: int, on: str, ready: bool = True) -> Json:
    """An EndpointSlice with one pod."""
    entry = {
        "addresses": [ip],
        "conditions": {"ready": ready},
        "nodeName": on,
        "targetRef": {"name": f"{name}-1"},
    }
    return {
        "metadata": {"labels": {"kubernetes.io/service-name": name}},
        "ports": [{"port": port}],
        "endpoints": [entry],
    }


def pod(name: str, on: str, reason: str) -> Json:
    status = {
        "phase": "Pending",
        "containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "Back-off pulling"}}}],
    }
    return {
        "metadata": {"name": f"{name}-1", "labels": {"app": name}},
        "spec": {"nodeName": on},
        "status": status,
    }


@dataclass
class Cluster:
    """A healthy mixed cluster; tests break parts of it."""

    node_list: list[Json] = field(default_factory=lambda: [CONTROL_PLANE, node("linux-0"), node("windows-0")])
    service_list: list[Json] = field(
        default_factory=lambda: [service("widgets", "10.96.1.1", 30080), service("ccauth", "10.96.2.2")]
    )
    slices: dict[str, list[Json]] = field(
        default_factory=lambda: {
            "microcosm": [
                endpoint("widgets", "10.244.1.5", 8080, "linux-0"),
                endpoint("ccauth", "10.244.2.3", 80, "windows-0"),
            ],
            "kube-system": [endpoint("kube-dns", "10.244.0.2", 53, "control-plane")],
        }
    )
    pod_list: list[Json] = field(default_factory=list[Json])

    def nodes(self) -> Sequence[Json]:
        return self.node_list

    def pods(self, namespace: str) -> Sequence[Json]:
        return self.pod_list

    def services(self, namespace: str) -> Sequence[Json]:
        return self.service_list

    def endpoint_slices(self, namespace: str) -> Sequence[Json]:
        return self.slices[namespace]
