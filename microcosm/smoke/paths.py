"""List the paths of traffic through a mixed cluster, and the hop that each failure points at.

A path names the paths that it is built on; if one of those is broken, that is the cause. Otherwise the kind
of failure names the hop: a closed port (refused), lost packets (timed out), or a wrong answer.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .cluster_view import CCAUTH, NAMESPACE, ClusterView
from .probe import Answer, Failure, Request

# A card number and an amount that CCAuth authorizes.
GOOD_QUERY = "ccNum=4111111111111111&amount=10.00"
AUTHORIZE = f"/ccauth.svc/authorize?{GOOD_QUERY}"
CCAUTH_NAME = f"{CCAUTH}.{NAMESPACE}.svc.cluster.local"


class Origin(StrEnum):
    """The place that a request starts from."""

    LINUX_POD = "a Linux pod"
    WINDOWS_POD = "a Windows pod"
    OUTSIDE = "outside the cluster"


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """One path of traffic: a request, its origin, the accepted answer, and the hop behind each failure."""

    name: str
    origin: Origin
    request: Request
    accepts: Callable[[Answer], bool]
    wants: str
    # Earlier paths that this one is made of.
    built_on: tuple[str, ...] = ()
    # The hop for each kind of failure; None stands for a wrong answer.
    blame: Mapping[Failure | None, str] = field(default_factory=dict[Failure | None, str])
    otherwise: str = ""
    # Whether Windows sends or answers the request.
    needs_windows: bool = False

    def broken_hop(self, answer: Answer) -> str:
        """Return the hop that this answer points at."""
        if answer.failure is Failure.NOT_SENT:
            return f"the origin, {self.origin}: {answer.detail}"
        return self.blame.get(answer.failure, self.otherwise)


def is_authorized(answer: Answer) -> bool:
    """Accept CCAuth's answer to a good card: a JSON string with a code."""
    return answer.status == 200 and _json_string(answer.body).startswith("Auth Code: ")


def _json_string(body: str) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def is_page(answer: Answer) -> bool:
    return answer.status == 200 and "<html" in answer.body.lower()


def all_paths(view: ClusterView, page_url: str) -> list[Path]:
    """List every path of this cluster; a path stands after those that it is built on."""
    return [*_linux_to_windows(view), *_windows_to_linux(view), *_names(view), *_from_outside(view, page_url)]


def _linux_to_windows(view: ClusterView) -> list[Path]:
    ccauth, linux = view.ccauth.endpoints[0], view.probe_node.name
    overlay = (
        f"the overlay from {linux} to {ccauth.node}: VXLAN over UDP 4789, Flannel on either side, or "
        f"the security group"
    )
    direct = Path(
        name="Linux pod -> Windows pod",
        origin=Origin.LINUX_POD,
        request=Request(target=f"http://{ccauth.ip}:{ccauth.port}{AUTHORIZE}"),
        accepts=is_authorized,
        wants="an authorization code",
        blame={
            Failure.TIMEOUT: overlay,
            Failure.UNREACHABLE: overlay,
            Failure.REFUSED: f"the web server in pod {ccauth.pod}: nothing listens on "
            f"{ccauth.ip}:{ccauth.port}",
        },
        otherwise=f"CCAuth itself, in pod {ccauth.pod} on {ccauth.node}",
        needs_windows=True,
    )
    service = Path(
        name="Linux pod -> Windows Service",
        origin=Origin.LINUX_POD,
        request=Request(target=f"http://{view.ccauth.cluster_ip}:{view.ccauth.port}{AUTHORIZE}"),
        accepts=is_authorized,
        wants="an authorization code",
        built_on=(direct.name,),
        otherwise=f"kube-proxy on {linux}: {view.ccauth.cluster_ip} does not lead to "
        f"{ccauth.ip}:{ccauth.port}, which answers directly",
        needs_windows=True,
    )
    return [direct, service]


def _windows_to_linux(view: ClusterView) -> list[Path]:
    page, windows = view.page.endpoints[0], view.ccauth.endpoints[0].node
    overlay = (
        f"the overlay from {windows} to {page.node}: HNS and Flannel on {windows}, VXLAN over UDP "
        f"4789, or the security group"
    )
    direct = Path(
        name="Windows pod -> Linux pod",
        origin=Origin.WINDOWS_POD,
        request=Request(target=f"http://{page.ip}:{page.port}/"),
        accepts=is_page,
        wants="the page",
        blame={
            Failure.TIMEOUT: overlay,
            Failure.UNREACHABLE: overlay,
            Failure.REFUSED: f"nginx in pod {page.pod}: nothing listens on {page.ip}:{page.port}",
        },
        otherwise=f"exec in the CCAuth pod, or nginx in pod {page.pod}",
        needs_windows=True,
    )
    service = Path(
        name="Windows pod -> Linux Service",
        origin=Origin.WINDOWS_POD,
        request=Request(target=f"http://{view.page.cluster_ip}:{view.page.port}/"),
        accepts=is_page,
        wants="the page",
        built_on=(direct.name,),
        otherwise=f"kube-proxy on {windows}: {view.page.cluster_ip} does not lead to {page.ip}:{page.port}, "
        f"which answers directly",
        needs_windows=True,
    )
    return [direct, service]


def _names(view: ClusterView) -> list[Path]:
    way = "the way from a pod to CoreDNS: kube-proxy or the overlay"
    unanswered = way if view.dns_ready else "CoreDNS: none of its pods is ready"
    return [
        Path(
            name="DNS by FQDN",
            origin=Origin.LINUX_POD,
            request=Request(target=f"{CCAUTH_NAME}.", dns=True),
            accepts=lambda answer: view.ccauth.cluster_ip in answer.body.split(),
            wants=view.ccauth.cluster_ip,
            blame={Failure.TIMEOUT: unanswered, Failure.REFUSED: unanswered, Failure.UNREACHABLE: unanswered},
            otherwise=f"CoreDNS: it does not know {CCAUTH_NAME} as {view.ccauth.cluster_ip}",
        )
    ]


def _from_outside(view: ClusterView, page_url: str) -> list[Path]:
    page = view.page.endpoints[0]
    blocked = f"the way from here to {page_url}: adminCidrs in the security group, or the Elastic IP"
    node_port = Path(
        name="NodePort from outside",
        origin=Origin.OUTSIDE,
        request=Request(target=f"{page_url}/"),
        accepts=is_page,
        wants="the page",
        blame={
            Failure.TIMEOUT: blocked,
            Failure.UNREACHABLE: blocked,
            Failure.NO_NAME: f"the name in {page_url}",
            Failure.REFUSED: f"kube-proxy on the control plane: NodePort {view.page.node_port} is not open",
        },
        otherwise=f"nginx in pod {page.pod} on {page.node}",
    )
    to_ccauth = Path(
        name="page -> CCAuth",
        origin=Origin.OUTSIDE,
        request=Request(target=f"{page_url}/api/authorize?{GOOD_QUERY}"),
        accepts=is_authorized,
        wants="an authorization code",
        built_on=(node_port.name, "DNS by FQDN", "Linux pod -> Windows Service"),
        otherwise=f"nginx's proxying in pod {page.pod} on {page.node}: CCAuth answers a probe on "
        f"{view.probe_node.name}",
        needs_windows=True,
    )
    return [node_port, to_ccauth]
