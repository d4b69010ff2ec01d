"""Rules on Services with Windows pods behind them, on host ports and on names."""

import re
from collections.abc import Iterator
from typing import Any

from .images import WINDOWS_2019
from .rule import Rule, Severity
from .subjects import Pod, Service
from .values import dig, mappings, number, scaled, texts

NETWORKING = "https://kubernetes.io/docs/concepts/services-networking/windows-networking/"
DNS = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#dns-windows"
PROTOCOLS = "https://kubernetes.io/docs/reference/networking/service-protocols/#protocol-sctp"
MOST_BACKENDS = 1024
# What the API server writes into a Service that says nothing (k8s.io/api v0.35.8 core/v1,
# DefaultClientIPServiceAffinitySeconds).
DEFAULT_AFFINITY_SECONDS = 10800
# What an unpatched Windows Server 2019 refused beyond, and the page said until 2025-12:
# kubernetes/kubernetes#98680, #135518.
MOST_BACKENDS_2019 = 64
# A host name that ends in .svc, with no cluster domain after it.
_HALF_NAME = re.compile(r"(?<![\w.-])(?:[a-z0-9-]{1,63}\.){2}svc(?![\w.-])")


def ipv6(service: Service) -> Iterator[str]:
    families = texts(service.spec.get("ipFamilies"))
    if "IPv6" in families:
        yield f"ipFamilies: [{', '.join(families)}]"
    elif service.spec.get("ipFamilyPolicy") == "RequireDualStack":
        yield "ipFamilyPolicy: RequireDualStack"


def session_affinity(service: Service) -> Iterator[str]:
    if service.spec.get("sessionAffinity") == "ClientIP" and _on_2019(service):
        yield "sessionAffinity: ClientIP before pods on Windows Server 2019"


def sctp_service(service: Service) -> Iterator[str]:
    if ports := _of_sctp(service.spec.get("ports"), "port"):
        yield f"port {ports} by SCTP"


def sctp_port(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if ports := _of_sctp(container.raw.get("ports"), "containerPort"):
            yield f"{container.where}: port {ports} by SCTP"


def affinity_timeout(service: Service) -> Iterator[str]:
    written = dig(service.spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds")
    seconds = number(written, DEFAULT_AFFINITY_SECONDS)
    if service.spec.get("sessionAffinity") == "ClientIP" and seconds != DEFAULT_AFFINITY_SECONDS:
        yield f"sessionAffinityConfig.clientIP.timeoutSeconds: {seconds}"


def host_aliases(pod: Pod) -> Iterator[str]:
    if pod.host_process and mappings(pod.spec.get("hostAliases")):
        yield "hostAliases of a HostProcess pod"


def backends(service: Service) -> Iterator[str]:
    if service.backends > MOST_BACKENDS:
        yield f"up to {service.backends} pods behind one Service, {MOST_BACKENDS} can be"


def backends_2019(service: Service) -> Iterator[str]:
    if MOST_BACKENDS_2019 < service.backends <= MOST_BACKENDS and _on_2019(service):
        yield (
            f"up to {service.backends} pods behind one Service on Windows Server 2019, "
            f"{MOST_BACKENDS_2019} surely can be"
        )


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


def _of_sctp(ports: Any, key: str) -> str:
    return ", ".join(str(port.get(key)) for port in mappings(ports) if port.get("protocol") == "SCTP")


def _host_ports(pod: Pod) -> str:
    ports = [
        number(port.get("hostPort"), 0)
        for container in pod.containers
        for port in mappings(container.raw.get("ports"))
    ]
    return ", ".join(str(port) for port in ports if port)


def _on_2019(service: Service) -> bool:
    return any(WINDOWS_2019 in pod.may_run_on for pod in service.pods)


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

SERVICE_RULES: tuple[Rule[Service], ...] = (
    Rule(
        id="ipv6",
        severity=_E,
        what="IPv6 on a Service of Windows pods",
        why="Windows pods on an overlay network have no IPv6 between them.",
        page=f"{NETWORKING}#limitations",
        fix="ipFamilyPolicy: SingleStack, ipFamilies: [IPv4]",
        check=ipv6,
    ),
    Rule(
        id="session-affinity",
        severity=_E,
        what="client affinity on Windows Server 2019",
        why="Session affinity needs Windows Server 2022; on 2019 kube-proxy says so in its log and spreads "
        "the client's connections.",
        page=f"{NETWORKING}#load-balancing-and-services",
        fix="sessionAffinity: None with affinity by cookie in front, or nodes with Windows Server 2022",
        check=session_affinity,
    ),
    Rule(
        id="sctp-service",
        severity=_E,
        what="SCTP on a Service of Windows pods",
        why="Windows has no SCTP, so no connection comes about.",
        page=PROTOCOLS,
        fix="protocol: TCP or UDP",
        check=sctp_service,
    ),
    Rule(
        id="affinity-timeout",
        severity=_W,
        what="a time for client affinity",
        why="kube-proxy on Windows switches affinity on or off and hands on no time: Windows' own counts.",
        page=f"{NETWORKING}#load-balancing-and-services",
        fix="leave sessionAffinityConfig out, or use affinity by cookie in front",
        check=affinity_timeout,
    ),
    Rule(
        id="service-backends",
        severity=_E,
        what=f"more than {MOST_BACKENDS} pods behind a Service",
        why="Windows load balances a Service to so many destinations and refuses the whole rule beyond.",
        page=f"{NETWORKING}#limitations",
        fix="fewer replicas, or several Services",
        check=backends,
    ),
    Rule(
        id="service-backends-2019",
        severity=_W,
        what=f"more than {MOST_BACKENDS_2019} pods behind a Service on Windows Server 2019",
        why="Before its later updates Windows Server 2019 refused the whole load balancing rule beyond "
        "(“invalid number of destinations”).",
        page="https://github.com/kubernetes/kubernetes/issues/135518",
        fix="try the nodes' patch level first, or use several Services, or Windows Server 2022",
        check=backends_2019,
    ),
)

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
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
        page="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment",
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
