"""The wait for what users use: cluster DNS, and kube-proxy and Flannel on every Linux node of the stack.

A node is Ready before the pods on it are. The workloads are not waited for here: Pulumi's Kubernetes provider
waits for their Deployments.
"""

import asyncio
import http.client
import urllib.error
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import pulumi

from . import flannel
from .errors import ClusterNotReadyError
from .kubernetes_api import Json, Read

if TYPE_CHECKING:
    from .readiness import Gate

POLL_SECONDS = 0.5
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """A controller whose pods the stack relies on, and the label that its pods have."""

    kind: Literal["Deployment", "DaemonSet"]
    namespace: str
    name: str
    label: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{self.kind.lower()}s/{self.name}"

    @property
    def pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods?labelSelector={self.label.replace('=', '%3D')}"


# The first two are kubeadm's (cmd/kubeadm/app/phases/addons in kubernetes v1.35.8: dns/manifests.go,
# proxy/manifests.go).
NEEDED = (
    Needed(kind="Deployment", namespace="kube-system", name="coredns", label="k8s-app=kube-dns"),
    Needed(kind="DaemonSet", namespace="kube-system", name="kube-proxy", label="k8s-app=kube-proxy"),
    Needed(
        kind="DaemonSet",
        namespace=flannel.NAMESPACE,
        name="kube-flannel-ds",
        label=f"app={flannel.LABELS['app']}",
    ),
)


def lacking(read: Read, linux_nodes: Collection[str]) -> list[str]:
    """List what is not available yet, one sentence for each object, with the reason that Kubernetes gives."""
    return [
        f"{needed} is not available: {reason}"
        for needed in NEEDED
        if (reason := _reason(read, needed, linux_nodes))
    ]


def _reason(read: Read, needed: Needed, linux_nodes: Collection[str]) -> str:
    """Say why an object is not available, or nothing if it is."""
    try:
        status = read(needed.path).get("status", {})
        if _is_available(needed, status):
            return ""
        pods = cast(Sequence[Json], read(needed.pods)["items"])
    except urllib.error.HTTPError as refusal:
        return "it does not exist" if refusal.code == 404 else f"the API server answers {refusal.code}"
    except (OSError, http.client.HTTPException) as silence:
        return f"the API server does not answer ({silence})"
    if needed.kind == "Deployment":
        return "no pod yet" if not pods else "; ".join(map(_waiting, pods))
    return _reason_on_nodes(pods, linux_nodes)


def _is_available(needed: Needed, status: Json) -> bool:
    """Judge by the counters.

    A Deployment's condition Available is True for no replica at all: that is no DNS.
    """
    if needed.kind == "Deployment":
        return status.get("availableReplicas", 0) >= 1
    return 0 < status.get("desiredNumberScheduled", 0) <= status.get("numberAvailable", 0)


def _reason_on_nodes(pods: Sequence[Json], linux_nodes: Collection[str]) -> str:
    """Judge a DaemonSet by the nodes of the stack: a node that was removed, or joined by hand, must not
    hold up `up`.
    """
    by_node = {pod["spec"].get("nodeName"): pod for pod in pods}
    reasons = [
        _waiting(by_node[node]) if node in by_node else f"no pod on {node} yet"
        for node in sorted(linux_nodes)
    ]
    return "; ".join(filter(None, reasons))


def _waiting(pod: Json) -> str:
    """Say what a pod waits for in Kubernetes' words, or nothing when it is Ready."""
    status = pod.get("status", {})
    conditions = cast(Sequence[Json], status.get("conditions", ()))
    if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
        return ""
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    states = [container["state"].get("waiting") or {} for container in containers]
    reasons = [
        ": ".join(filter(None, (state["reason"], state.get("message"))))
        for state in states
        if state.get("reason")
    ]
    unmet = [
        condition["message"]
        for condition in conditions
        if condition["status"] != "True" and condition.get("message")
    ]
    reason = next(iter([*reasons, *unmet]), f"phase {status.get('phase')}")
    return f"pod {pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}: {reason}"


async def wait(gate: "Gate", kubeconfig: str, linux_nodes: Collection[str]) -> bool:
    """Wait until nothing is lacking; a preview looks once. ClusterNotReadyError at the time limit."""
    read = gate.cloud.kubernetes(kubeconfig)
    deadline = gate.clock() + gate.timeout_minutes * SECONDS_PER_MINUTE
    told: set[str] = set()
    while found := await asyncio.to_thread(lacking, read, linux_nodes):
        if not gate.wait:
            return False
        if gate.clock() > deadline:
            advice = (
                "`kubectl describe pods --all-namespaces` shows more. Correct the cause and run "
                "`pulumi up` again."
            )
            raise ClusterNotReadyError(
                "\n".join([f"not available within {gate.timeout_minutes} minutes:", *found, advice])
            )
        for line in found:
            if line not in told:
                gate.tell(line)
        told.update(found)
        await asyncio.sleep(POLL_SECONDS)
    return True


def available(
    gate: pulumi.Output["Gate"],
    kubeconfig: pulumi.Output[str],
    linux_nodes: Collection[str],
    after: pulumi.Output[Any],
) -> pulumi.Output[bool]:
    """True once all is available; the wait begins when `after` (the nodes) is there.

    Pulumi ends no `up` before it.
    """

    async def begin(known: list[Any]) -> bool:
        return await wait(known[0], known[1], linux_nodes)

    return pulumi.Output.all(gate, kubeconfig, after).apply(begin)
