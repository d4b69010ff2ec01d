"""Run one pod on the node in a thread: from Waiting to Running, and finally to its removal."""

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from rehearsal.windows_node import pod_status, program
from rehearsal.windows_node.addresses import HostPort, PodAddresses, host_ports_of
from rehearsal.windows_node.api import Api, Json
from rehearsal.windows_node.backoff import CrashBackOff
from rehearsal.windows_node.container import ContainerRun
from rehearsal.windows_node.errors import StandinError
from rehearsal.windows_node.events import NORMAL, WARNING, Recorder
from rehearsal.windows_node.pod_object import PodObject
from rehearsal.windows_node.pod_status import Container, Running, Terminated, Waiting

_RELIST_SECONDS = 1.0  # kubelet polls its containers as often
_RETRY_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """The parts of the node that its pods share."""

    api: Api
    addresses: PodAddresses
    recorder: Recorder
    ip: str
    directory: Path


class PodWorker:
    """Run one pod; end when the pod is deleted or the node goes away."""

    def __init__(self, node: Node, pod: Json) -> None:
        self.pod = pod
        self.log_file = node.directory / f"{pod['metadata']['namespace']}.{pod['metadata']['name']}.log"
        self._folder = node.directory / "pods" / pod["metadata"]["uid"]
        self._node = node
        self._unable = program.unsupported_reason(pod)
        self._container = Container(state=Waiting("ContainerCreating"), restarts=_earlier_restarts(pod))
        self._run: ContainerRun | None = None
        self._address: str | None = None
        self._opened: list[HostPort] = []
        self._back_off = CrashBackOff()
        self._start_at = 0.0
        self._object = PodObject(node.api, pod)
        self._wake = threading.Event()
        self._grace: float | None = None
        self.ended = threading.Event()

    def update(self, pod: Json) -> None:
        """Take the pod's present object from the API; a deletion timestamp ends it within its grace
        period.
        """
        self.pod = pod
        if "deletionTimestamp" in pod["metadata"]:
            self.end(pod["metadata"].get("deletionGracePeriodSeconds", 0))

    def end(self, grace_seconds: float) -> None:
        """Request the end of the container within the grace period; return at once."""
        self._grace = grace_seconds
        self._wake.set()

    def run(self) -> None:
        """Run the pod until its end."""
        while self._grace is None:
            self._step()
            settled = self._publish() and self._unable is not None
            self._wake.wait(None if settled else _RELIST_SECONDS)
        self._tear_down(self._grace)
        self.ended.set()

    # --- from Waiting to Running, and again ---------------------------------------------------------------

    def _step(self) -> None:
        """Check the container and start, supervise or refuse it."""
        if self._unable is not None:
            self._wait_for("StandInCannotRun", self._unable)
        elif self._run is not None:
            self._supervise(self._run)
        elif self._may_start():
            self._start()

    def _may_start(self) -> bool:
        state = self._container.state
        wanted = not isinstance(state, Terminated) or pod_status.restarts(self.pod, state)
        return wanted and self._node.addresses.available and time.monotonic() >= self._start_at

    def _start(self) -> None:
        restarts = self._container.restarts + (self._container.last is not None)
        container_id = f"stand-in://{self.pod['metadata']['uid']}-{restarts}"
        try:
            address = self._sandbox()
            prepared = program.prepare(
                self._node.api, self.pod, self._folder, pod_ip=address, host_ip=self._node.ip
            )
        except StandinError as error:
            self._start_at = time.monotonic() + _RETRY_SECONDS
            self._record_event(WARNING, "Failed", str(error))
            self._wait_for("CreateContainerError", str(error))
            return
        spec = self.pod["spec"]["containers"][0]
        self._run = ContainerRun(
            spec,
            prepared,
            address=address,
            container_id=container_id,
            log_file=self.log_file,
            unhealthy=self._unhealthy,
        )
        self._container = replace(
            self._container,
            state=Running(started_at=self._run.started_at),
            restarts=restarts,
            container_id=container_id,
            image_id=prepared.image_id,
        )
        self._record_event(
            NORMAL,
            "Started",
            f"Started container {spec['name']}: its C# under Mono, a stand-in for {spec['image']}",
        )

    def _supervise(self, run: ContainerRun) -> None:
        ended = run.ended()
        if ended is None and run.must_restart:
            self._record_event(
                NORMAL, "Killing", f"Container failed {run.must_restart} probe, will be restarted"
            )
            ended = run.end(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        if ended is not None:
            self._ended(ended)
        else:
            self._container = replace(self._container, started=run.started, ready=run.ready)

    def _ended(self, ended: Terminated) -> None:
        self._run = None
        delay = self._back_off.ended(time.monotonic())
        self._start_at = time.monotonic() + delay
        self._container = replace(self._container, state=ended, last=ended, started=False, ready=False)
        if delay and pod_status.restarts(self.pod, ended):
            pod = self.pod["metadata"]["name"]
            name = self.pod["spec"]["containers"][0]["name"]
            message = f"back-off {delay:.0f}s restarting failed container={name} pod={pod}"
            self._wait_for("CrashLoopBackOff", message)
            self._record_event(WARNING, "BackOff", message)

    def _unhealthy(self, kind: str, problem: str) -> None:
        self._record_event(WARNING, "Unhealthy", f"{kind.capitalize()} probe failed: {problem}")

    def _publish(self) -> bool:
        return self._object.publish(self.pod, self._container, host_ip=self._node.ip, pod_ip=self._address)

    def _record_event(self, kind: str, reason: str, message: str) -> None:
        self._node.recorder.pod(self.pod, kind, reason, message)

    def _wait_for(self, reason: str, message: str) -> None:
        self._container = replace(self._container, state=Waiting(reason, message))

    # --- address ------------------------------------------------------------------------------------------

    def _sandbox(self) -> str:
        """Return the pod's address, which restarts of its container keep."""
        if self._address is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            address = self._node.addresses.allocate()
            self._opened = self._host_ports()
            for port in self._opened:
                self._node.addresses.open_port(address, port)
            self._address = address
        return self._address

    def _host_ports(self) -> list[HostPort]:
        """Return the hostPorts that the node's CNI plugin would open."""
        wanted = host_ports_of(self.pod["spec"]["containers"][0])
        if wanted and not self._node.addresses.host_ports:
            numbers = ", ".join(str(port.host_port) for port in wanted)
            self._record_event(
                WARNING,
                "HostPortIgnored",
                f"hostPort {numbers}: win-overlay, Flannel's CNI plugin for vxlan on Windows, opens none",
            )
            return []
        return wanted

    # --- the end ------------------------------------------------------------------------------------------

    def _tear_down(self, grace_seconds: float) -> None:
        if self._run is not None:
            ended = self._run.end(grace_seconds)
            self._container = replace(self._container, state=ended, last=ended, started=False, ready=False)
        self._free_address()
        # Without a deletion timestamp the pod is already gone, or the node goes away, which a real kubelet
        # does not report either.
        while "deletionTimestamp" in self.pod["metadata"] and not (self._publish() and self._object.remove()):
            time.sleep(_RELIST_SECONDS)

    def _free_address(self) -> None:
        if self._address is None:
            return
        for port in self._opened:
            self._node.addresses.close_port(self._address, port)
        self._node.addresses.release(self._address)


def _earlier_restarts(pod: Json) -> int:
    """Return the restarts before this node started again."""
    statuses: list[Json] = pod.get("status", {}).get("containerStatuses", [])
    return statuses[0]["restartCount"] if statuses else 0
