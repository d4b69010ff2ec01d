"""Build a pod's status from the state of its one container, as kubelet does.

Pure.

Phases and conditions follow pkg/kubelet/kubelet_pods.go and pkg/kubelet/status/generate.go (kubernetes
v1.35.8).
"""

from dataclasses import dataclass
from datetime import datetime

from rehearsal.windows_node.api import Json
from rehearsal.windows_node.node import timestamp


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that does not run, and why."""

    reason: str
    message: str = ""

    def document(self) -> Json:
        return {"waiting": {"reason": self.reason} | ({"message": self.message} if self.message else {})}


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    started_at: datetime

    def document(self) -> Json:
        return {"running": {"startedAt": timestamp(self.started_at)}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminated:
    """A run that has ended."""

    exit_code: int
    started_at: datetime
    finished_at: datetime
    container_id: str
    message: str = ""

    def document(self) -> Json:
        ended = {
            "exitCode": self.exit_code,
            "reason": "Completed" if self.exit_code == 0 else "Error",
            "startedAt": timestamp(self.started_at),
            "finishedAt": timestamp(self.finished_at),
            "containerID": self.container_id,
        }
        return {"terminated": ended | ({"message": self.message} if self.message else {})}


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """The container's state and history."""

    state: Waiting | Running | Terminated
    last: Terminated | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    container_id: str = ""
    image_id: str = ""


def status(
    pod: Json,
    container: Container,
    *,
    before: Json,
    host_ip: str,
    pod_ip: str | None,
    created: datetime,
    now: datetime,
) -> Json:
    """Return the status that the node reports for a pod."""
    addresses = {"podIP": pod_ip, "podIPs": [{"ip": pod_ip}]} if pod_ip else {}
    return {
        "observedGeneration": pod["metadata"].get("generation", 0),
        "phase": phase(pod, container),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": timestamp(created),
        "conditions": conditions(pod, container, before=before, has_network=pod_ip is not None, now=now),
        "containerStatuses": [_container_status(spec, container) for spec in pod["spec"]["containers"]],
        **addresses,
    }


def phase(pod: Json, container: Container) -> str:
    """Return the phase: Pending until the first start, final only if the container will not be restarted."""
    if isinstance(container.state, Terminated) and not restarts(pod, container.state):
        return "Succeeded" if container.state.exit_code == 0 else "Failed"
    ran = container.last is not None or not isinstance(container.state, Waiting)
    return "Running" if ran else "Pending"


def restarts(pod: Json, ended: Terminated) -> bool:
    """Report whether the pod's policy restarts the container; a pod that is being deleted never
    restarts it.
    """
    if "deletionTimestamp" in pod["metadata"]:
        return False
    policy = pod["spec"].get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and ended.exit_code != 0)


def conditions(
    pod: Json, container: Container, *, before: Json, has_network: bool, now: datetime
) -> list[Json]:
    """Return the conditions that kubelet owns; each keeps its time until its status changes."""
    unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: {_names(pod)}"}
    verdict = {} if container.ready else unready
    owned: dict[str, tuple[bool, Json]] = {
        "PodReadyToStartContainers": (has_network, {}),
        "Initialized": (True, {}),
        "Ready": (container.ready, verdict),
        "ContainersReady": (container.ready, verdict),
        "PodScheduled": (True, {}),
    }
    known = {condition["type"]: condition for condition in before.get("conditions", [])}
    return [_condition(kind, value, why, known.get(kind), now) for kind, (value, why) in owned.items()]


def _condition(kind: str, value: bool, why: Json, before: Json | None, now: datetime) -> Json:
    status = str(value)
    unchanged = before is not None and before["status"] == status
    since = (
        before["lastTransitionTime"]
        if before and unchanged and before.get("lastTransitionTime")
        else timestamp(now)
    )
    # A strategic merge keeps omitted fields: None removes the reason of the previous status.
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": since,
        "reason": None,
        "message": None,
    } | why


def _container_status(spec: Json, container: Container) -> Json:
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": container.image_id,
        "containerID": container.container_id,
        "state": container.state.document(),
        "lastState": container.last.document() if container.last else {},
        "ready": container.ready,
        "started": container.started,
        "restartCount": container.restarts,
    }


def _names(pod: Json) -> str:
    """Format a list of strings as Go does."""
    return "[" + " ".join(spec["name"] for spec in pod["spec"]["containers"]) + "]"
