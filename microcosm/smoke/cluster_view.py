"""Read the parts of a cluster that a smoke test needs: nodes and the endpoints of the two workloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import OperatorError

Json = Mapping[str, Any]
NAMESPACE = "microcosm"
PAGE, CCAUTH, DNS = "widgets", "ccauth", "kube-dns"
# Labels or annotations that mark a node held by a stand-in.
STAND_IN_MARKS = ("microcosm/stand-in", "microcosm.dev/stand-in")
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"


class Reader(Protocol):
    """The lists of the Kubernetes API that the smoke test reads, as plain JSON objects."""

    def nodes(self) -> Sequence[Json]: ...
    def pods(self, namespace: str) -> Sequence[Json]: ...
    def services(self, namespace: str) -> Sequence[Json]: ...
    def endpoint_slices(self, namespace: str) -> Sequence[Json]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    name: str
    os: str
    ready: bool
    control_plane: bool
    stand_in: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A pod behind a Service."""

    ip: str
    port: int
    pod: str
    node: str


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """A workload as its Service presents it; `waiting` is the reason if it has no endpoint."""

    name: str
    cluster_ip: str
    port: int
    node_port: int | None
    endpoints: tuple[Endpoint, ...]
    waiting: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterView:
    nodes: tuple[Node, ...]
    page: App
    ccauth: App
    dns_ready: bool

    def node(self, name: str) -> Node | None:
        return next((node for node in self.nodes if node.name == name), None)

    @property
    def probe_node(self) -> Node:
        """Return the Linux node to probe from.

        A worker is preferred to the control plane, and a node without the page to the page's own.
        """
        linux = [node for node in self.nodes if node.os == "linux" and node.ready]
        if not linux:
            raise OperatorError(
                "no Linux node is Ready: `kubectl get nodes` shows which is missing, `microcosm timeline` "
                "where it is stuck"
            )
        pages = {endpoint.node for endpoint in self.page.endpoints}
        return min(linux, key=lambda node: (node.control_plane, node.name in pages, node.name))

    @property
    def windows_stand_in(self) -> bool:
        """Return whether a stand-in and not Windows runs CCAuth."""
        nodes = [self.node(endpoint.node) for endpoint in self.ccauth.endpoints]
        return any(node is not None and node.stand_in for node in nodes)


def view(reader: Reader) -> ClusterView:
    """Read the cluster once."""
    services = {service["metadata"]["name"]: service for service in reader.services(NAMESPACE)}
    slices, pods = reader.endpoint_slices(NAMESPACE), reader.pods(NAMESPACE)
    page, ccauth = (_app(name, services, slices, pods) for name in (PAGE, CCAUTH))
    dns = _endpoints(DNS, reader.endpoint_slices("kube-system"))
    return ClusterView(nodes=tuple(map(_node, reader.nodes())), page=page, ccauth=ccauth, dns_ready=bool(dns))


def _node(node: Json) -> Node:
    labels, annotations = node["metadata"].get("labels") or {}, node["metadata"].get("annotations") or {}
    conditions = {
        condition["type"]: condition["status"] for condition in node["status"].get("conditions") or ()
    }
    return Node(
        name=node["metadata"]["name"],
        os=labels.get("kubernetes.io/os", ""),
        ready=conditions.get("Ready") == "True",
        control_plane=CONTROL_PLANE_LABEL in labels,
        stand_in=any(mark in labels or mark in annotations for mark in STAND_IN_MARKS),
    )


def _app(name: str, services: Mapping[str, Json], slices: Sequence[Json], pods: Sequence[Json]) -> App:
    if name not in services:
        raise OperatorError(
            f"there is no Service {NAMESPACE}/{name}: the workloads are not declared yet, run `pulumi up`"
        )
    spec = services[name]["spec"]
    port = spec["ports"][0]
    endpoints = _endpoints(name, slices)
    return App(
        name=name,
        cluster_ip=spec["clusterIP"],
        port=port["port"],
        node_port=port.get("nodePort"),
        endpoints=endpoints,
        waiting="" if endpoints else _why_waiting(name, spec.get("selector") or {}, pods),
    )


def _endpoints(service: str, slices: Sequence[Json]) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(
            ip=entry["addresses"][0],
            port=piece["ports"][0]["port"],
            pod=(entry.get("targetRef") or {}).get("name", ""),
            node=entry.get("nodeName") or "",
        )
        for piece in slices
        if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service
        for entry in piece.get("endpoints") or ()
        if (entry.get("conditions") or {}).get("ready") and piece.get("ports")
    )


def _why_waiting(name: str, selector: Mapping[str, str], pods: Sequence[Json]) -> str:
    """Say why a workload's pods are not ready, in the words of Kubernetes."""
    mine = [pod for pod in pods if selector.items() <= (pod["metadata"].get("labels") or {}).items()]
    if not mine:
        return f"no pod matches the selector of Service {name}"
    pod = mine[0]
    where = f"pod {pod['metadata']['name']} on {pod['spec'].get('nodeName') or 'no node'}"
    return f"{where} is not ready: {_pod_reason(pod['status'])}"


def _pod_reason(status: Json) -> str:
    for container in status.get("containerStatuses") or ():
        for state in ("waiting", "terminated"):
            if reason := (container["state"].get(state) or {}).get("reason"):
                return f"{reason} {container['state'][state].get('message') or ''}".strip()[:200]
    unmet = [
        condition
        for condition in status.get("conditions") or ()
        if condition["status"] != "True" and condition.get("message")
    ]
    return str(unmet[0]["message"])[:200] if unmet else str(status.get("phase") or "unknown")
