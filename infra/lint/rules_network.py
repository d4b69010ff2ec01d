"""Rules on the network of Windows pods: the host's network, host ports, protocols and names."""

import re
from collections.abc import Iterator

from .rule import Rule, Severity
from .subjects import Pod
from .values import dig, mappings, number, scaled, sctp_ports

NETWORKING = "https://kubernetes.io/docs/concepts/services-networking/windows-networking/"
DNS = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#dns-windows"
PROTOCOLS = "https://kubernetes.io/docs/reference/networking/service-protocols/#protocol-sctp"
# A host name that ends in .svc, with no cluster domain after it.
_HALF_NAME = re.compile(r"(?<![\w.-])(?:[a-z0-9-]{1,63}\.){2}svc(?![\w.-])")


def host_network(pod: Pod) -> Iterator[str]:
    if pod.spec.get("hostNetwork") is True and not pod.host_process:
        yield "hostNetwork: true"


def sctp_port(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if ports := sctp_ports(container.raw.get("ports"), "containerPort"):
            yield f"{container.where}: port {ports} by SCTP"


def host_aliases(pod: Pod) -> Iterator[str]:
    if pod.host_process and mappings(pod.spec.get("hostAliases")):
        yield "hostAliases of a HostProcess pod"


def host_port(pod: Pod) -> Iterator[str]:
    # A pod on the host's network has its ports there already.
    if pod.overlay and not pod.spec.get("hostNetwork") and (asked := _host_ports(pod)):
        yield f"hostPort {asked} on an overlay network"


def host_port_rollout(pod: Pod) -> Iterator[str]:
    taken = _host_ports(pod)
    if taken and pod.document.kind == "Deployment" and _waits_for_surge(pod):
        yield f"hostPort {taken} with a rolling update that starts the new pod before the old one is gone"


def dns_policy(pod: Pod) -> Iterator[str]:
    if pod.spec.get("dnsPolicy") == "ClusterFirstWithHostNet":
        yield "dnsPolicy: ClusterFirstWithHostNet"


def dotted_name(pod: Pod) -> Iterator[str]:
    known = [re.escape(f"{service.name}.{service.namespace}") for service in pod.declared.services()]
    half = re.compile(rf"(?<![\w.-])(?:{'|'.join(known)})(?![\w.-])") if known else None
    for container in pod.containers:
        names = {
            found[0]
            for string in container.strings()
            for form in (_HALF_NAME, half)
            if form
            for found in form.finditer(string)
        }
        for name in sorted(names):
            yield f"{container.where}: the host name {name}"


def _host_ports(pod: Pod) -> str:
    ports = [
        number(port.get("hostPort"), 0)
        for container in pod.containers
        for port in mappings(container.raw.get("ports"))
    ]
    return ", ".join(str(port) for port in ports if port)


def _waits_for_surge(pod: Pod) -> bool:
    """Whether no old pod may go before a new one is ready (kubernetes v1.35.8 deployment_util.go,
    ResolveFenceposts).
    """
    strategy, replicas = (
        dig(pod.document.object, "spec", "strategy"),
        number(dig(pod.document.object, "spec", "replicas"), 1),
    )
    surge = scaled(dig(strategy, "rollingUpdate", "maxSurge"), replicas, round_up=True, default="25%")
    unavailable = scaled(
        dig(strategy, "rollingUpdate", "maxUnavailable"), replicas, round_up=False, default="25%"
    )
    return dig(strategy, "type") != "Recreate" and unavailable == 0 and surge > 0


_E, _W = Severity.ERROR, Severity.WARNING


WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="host-network",
        severity=_E,
        what="the host's network in a Windows pod",
        why="Windows has no host networking mode: the pod gets an address of its own all the same. Only "
        "HostProcess containers share the host's.",
        page="https://kubernetes.io/docs/concepts/services-networking/windows-networking/#limitations",
        fix="remove hostNetwork; use a Service, of type NodePort for what comes from outside",
        check=host_network,
    ),
    Rule(
        id="host-port",
        severity=_W,
        what="a host port that nobody opens",
        why="win-overlay, the CNI plugin of overlays on Windows, ignores port mappings: the pod runs, the "
        "port stays closed, nothing says so.",
        page="https://github.com/containernetworking/plugins/issues/530",
        fix="a Service of type NodePort, or a network of routes (flannelBackend: host-gw)",
        check=host_port,
    ),
    Rule(
        id="host-port-rollout",
        severity=_W,
        what="a host port that blocks its own rolling update",
        why="A port of a node is held by one pod: with no node to spare the new pod stays Pending and the "
        "old one stays for ever.",
        page="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"
        "#rolling-update-deployment",
        fix="strategy.rollingUpdate: {maxSurge: 0, maxUnavailable: 1}",
        check=host_port_rollout,
    ),
    Rule(
        id="sctp",
        severity=_E,
        what="a port by SCTP",
        why="Windows has no SCTP: no program of the container can listen there.",
        page=PROTOCOLS,
        fix="protocol: TCP or UDP",
        check=sctp_port,
    ),
    Rule(
        id="host-aliases",
        severity=_W,
        what="names of its own for a HostProcess pod",
        why="The kubelet mounts no hosts file in a pod with a HostProcess container: the names stay unknown.",
        page="https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/#limitations",
        fix="remove hostAliases, and use full names or the node's own hosts file",
        check=host_aliases,
    ),
    Rule(
        id="dns-policy",
        severity=_W,
        what="a DNS policy for pods on the host's network",
        why="ClusterFirstWithHostNet is not supported on Windows nodes.",
        page=DNS,
        fix="remove dnsPolicy (ClusterFirst is the default)",
        check=dns_policy,
    ),
    Rule(
        id="dotted-name",
        severity=_W,
        what="half a DNS name",
        why="Windows takes every name with a dot for complete and does not try the search domains: only "
        "`name` or the full name resolve.",
        page=DNS,
        fix="NAME.NAMESPACE.svc.cluster.local",
        check=dotted_name,
    ),
)
