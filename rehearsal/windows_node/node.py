"""Build the Node object as kubelet.exe would write it.

Pure: no API and no clock.

Labels and status follow pkg/kubelet/kubelet_node_status.go and pkg/kubelet/nodestatus/setters.go (kubernetes
v1.35.8).
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.config.operating_systems import WINDOWS_RELEASES
from rehearsal.windows_node.api import Json
from rehearsal.windows_node.errors import InputError
from rehearsal.windows_node.inputs import Registration

KUBELET_PORT = 10250
STAND_IN = "microcosm.dev/stand-in"
_EVICTION_MEMORY_KIB = 500 * 1024  # pkg/kubelet/eviction/defaults_windows.go: memory.available 500Mi
_DISK_KIB = 50 * 1024**2  # the Kubernetes documentation's minimum for a Windows node
_NETWORK_NOT_READY = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A Windows Server release; the revision is that of the update for which the pinned pause image was
    published.
    """

    product: str
    build: str
    revision: int
    image_suffix: str


_REVISIONS = {"2019": 7919, "2022": 4405, "2025": 7171}
RELEASES = {
    system.name: Release(
        product=f"{system.title} Datacenter",
        build=system.build,
        revision=_REVISIONS.get(release, 1),
        image_suffix=f"ltsc{release}",
    )
    for release, system in WINDOWS_RELEASES.items()
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine's facts in the Node's status."""

    instance_id: str
    ip: str
    release: Release
    kubernetes_version: str
    containerd_version: str

    @property
    def boot_id(self) -> str:
        return self.instance_id.removeprefix("i-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Whether the pod network is up, and since when."""

    network_up: bool
    since: datetime


def release_of(images: tuple[str, ...]) -> Release:
    """Return the release of the node's images: Windows runs only images of its own build."""
    for release in RELEASES.values():
        if any(image.endswith(release.image_suffix) for image in images):
            return release
    raise InputError(
        f"no image ({', '.join(images)}) is for {', '.join(RELEASES)}; name the release with --os"
    )


def node_object(machine: Machine, registration: Registration, readiness: Readiness) -> Json:
    """Return the Node for registration."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": registration.name,
            "labels": labels(machine, registration),
            "annotations": {
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
                STAND_IN: "no Windows machine: a Linux stand-in holds this node in a rehearsal",
            },
        },
        "spec": {"taints": registration.taints},
        "status": status(machine, registration.name, readiness, now=readiness.since),
    }


def labels(machine: Machine, registration: Registration) -> dict[str, str]:
    """Return kubelet's labels; those of --node-labels override them, as in kubelet."""
    own = {
        "kubernetes.io/hostname": registration.name,
        "kubernetes.io/os": "windows",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "windows",
        "beta.kubernetes.io/arch": "amd64",
        "node.kubernetes.io/windows-build": machine.release.build,
        STAND_IN: "true",
    }
    return own | registration.labels


def status(machine: Machine, name: str, readiness: Readiness, *, now: datetime) -> Json:
    """Return the whole status, as kubelet patches it."""
    memory_kib = _memory_kib()
    capacity = {
        "cpu": str(os.cpu_count()),
        "memory": f"{memory_kib}Ki",
        "pods": "110",
        "ephemeral-storage": f"{_DISK_KIB}Ki",
    }
    return {
        "addresses": [{"type": "InternalIP", "address": machine.ip}, {"type": "Hostname", "address": name}],
        "capacity": capacity,
        "allocatable": capacity
        | {
            "memory": f"{memory_kib - _EVICTION_MEMORY_KIB}Ki",
            "ephemeral-storage": f"{_DISK_KIB * 9 // 10}Ki",
        },
        "conditions": conditions(readiness, now=now),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "nodeInfo": _node_info(machine),
    }


def conditions(readiness: Readiness, *, now: datetime) -> list[Json]:
    """Return the conditions; Ready needs a pod network, as with CNI."""
    ready = ("True", "KubeletReady", "kubelet is posting ready status (stand-in)")
    not_ready = ("False", "KubeletNotReady", _NETWORK_NOT_READY)
    table = {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        "Ready": ready if readiness.network_up else not_ready,
    }
    times = {"lastHeartbeatTime": timestamp(now), "lastTransitionTime": timestamp(readiness.since)}
    return [
        {"type": kind, "status": value, "reason": reason, "message": message, **times}
        for kind, (value, reason, message) in table.items()
    ]


def lease(name: str, *, now: datetime) -> Json:
    """Return the node's lease, whose renewal is the heartbeat."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": 40,
            "renewTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }


def timestamp(moment: datetime) -> str:
    """Format a metav1.Time: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _node_info(machine: Machine) -> dict[str, str]:
    return {
        "machineID": machine.instance_id,
        "systemUUID": machine.instance_id,
        "bootID": machine.boot_id,
        "kernelVersion": f"{machine.release.build}.{machine.release.revision}",
        "osImage": f"{machine.release.product} (stand-in)",
        "containerRuntimeVersion": f"containerd://{machine.containerd_version}",
        "kubeletVersion": f"v{machine.kubernetes_version}",
        "kubeProxyVersion": "",
        "operatingSystem": "windows",
        "architecture": "amd64",
    }


def _memory_kib() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
