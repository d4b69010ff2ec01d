"""Run the smoke test against a real cluster: choose the API and the runner of each origin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import options
from ..errors import OperatorError, UsageError
from ..kubeconfig.document import server_host
from ..kubernetes.client import Kube, connect, published_kubeconfig, read_kubeconfig
from . import test as smoke
from .cluster_view import NAMESPACE, ClusterView, view
from .paths import Origin
from .probe import FromHere, Runner
from .probe_pod import FromLinuxPod
from .test import Smoke
from .windows_exec import FromWindowsPod


def run(
    stack: str | None,
    region: str | None,
    kubeconfig: Path | None,
    page_url: str | None,
    windows: Runner | None = None,
) -> Smoke:
    """Run the whole test.

    `windows` sends from the Windows side if that is a stand-in; without it those paths are not run.
    """
    if page_url and not page_url.startswith(("http://", "https://")):
        raise UsageError(
            f"--page-url is {page_url!r}: accepted is an address such as http://203.0.113.7:30080"
        )
    document = read_kubeconfig(kubeconfig) if kubeconfig else _published(stack, region)
    kube = connect(document)
    seen = view(kube)
    return smoke.run(
        seen, (page_url or url_of_page(document, seen)).rstrip("/"), runners(kube, seen, windows)
    )


def _published(stack: str | None, region: str | None) -> dict[str, Any]:
    target, session = options.connect(stack, region)
    return published_kubeconfig(session, target)


def url_of_page(document: Mapping[str, Any], seen: ClusterView) -> str:
    """Return the page's URL from outside: its NodePort on the host of the API server."""
    if seen.page.node_port is None:
        raise OperatorError(
            f"Service {NAMESPACE}/{seen.page.name} has no NodePort: name the page's address with --page-url"
        )
    return f"http://{server_host(document)}:{seen.page.node_port}"


def runners(kube: Kube, seen: ClusterView, windows: Runner | None) -> dict[Origin, Runner]:
    """Return the runner of each origin. A stand-in has no PowerShell, so it gets no exec."""
    found: dict[Origin, Runner] = {
        Origin.LINUX_POD: FromLinuxPod(pods=kube, namespace=NAMESPACE, node=seen.probe_node.name),
        Origin.OUTSIDE: FromHere(),
    }
    if windows:
        found[Origin.WINDOWS_POD] = windows
    elif seen.ccauth.endpoints and not seen.windows_stand_in:
        found[Origin.WINDOWS_POD] = FromWindowsPod(
            pods=kube, namespace=NAMESPACE, pod=seen.ccauth.endpoints[0].pod
        )
    return found
