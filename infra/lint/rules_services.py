"""Rules on Services with Windows pods behind them."""

from collections.abc import Iterator

from .images import WINDOWS_2019
from .rule import Rule, Severity
from .subjects import Service
from .values import dig, number, sctp_ports, texts

NETWORKING = "https://kubernetes.io/docs/concepts/services-networking/windows-networking/"
PROTOCOLS = "https://kubernetes.io/docs/reference/networking/service-protocols/#protocol-sctp"
MOST_BACKENDS = 1024
# The API server's default for a Service without the field (k8s.io/api v0.35.8 core/v1,
# DefaultClientIPServiceAffinitySeconds).
DEFAULT_AFFINITY_SECONDS = 10800
# The limit of an unpatched Windows Server 2019, which Kubernetes documented until 2025-12:
# kubernetes/kubernetes#98680, #135518.
MOST_BACKENDS_2019 = 64


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
    if ports := sctp_ports(service.spec.get("ports"), "port"):
        yield f"port {ports} by SCTP"


def affinity_timeout(service: Service) -> Iterator[str]:
    written = dig(service.spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds")
    seconds = number(written, DEFAULT_AFFINITY_SECONDS)
    if service.spec.get("sessionAffinity") == "ClientIP" and seconds != DEFAULT_AFFINITY_SECONDS:
        yield f"sessionAffinityConfig.clientIP.timeoutSeconds: {seconds}"


def backends(service: Service) -> Iterator[str]:
    if service.backends > MOST_BACKENDS:
        yield f"up to {service.backends} pods behind one Service, {MOST_BACKENDS} can be"


def backends_2019(service: Service) -> Iterator[str]:
    if MOST_BACKENDS_2019 < service.backends <= MOST_BACKENDS and _on_2019(service):
        yield (
            f"up to {service.backends} pods behind one Service on Windows Server 2019, "
            f"{MOST_BACKENDS_2019} surely can be"
        )


def _on_2019(service: Service) -> bool:
    return any(WINDOWS_2019 in pod.may_run_on for pod in service.pods)


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
