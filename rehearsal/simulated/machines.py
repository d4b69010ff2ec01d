"""Write the parameters and Node objects that the cloud's instances would write.

One cluster at a time: the control plane that was launched last has the API, which is reset for it and when it
ends.
"""

import base64
import json
import threading
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from infra import join_parameters
from infra.config import naming
from rehearsal.errors import RehearsalError
from rehearsal.fake_aws.process import Cloud
from rehearsal.fake_aws.settings import STAND_IN_KEY
from rehearsal.simulated import addons
from rehearsal.simulated.api import KubernetesApi
from rehearsal.simulated.birth import NodeInstance, node_object
from rehearsal.simulated.pods import SimulatedPods
from rehearsal.windows_node.api import ApiError, ApiFailure

POLL_SECONDS = 0.1
# Share of the cloud's time for polling. It answers one call at a time, and polling must not slow down the
# run.
SHARE = 0.1
WRITERS = 4
# Polls in a row that may fail.
FAILED_POLLS = 20
ATTEMPTS = 10
LIVING = ("pending", "running")
# The phases of each kind of machine (userdata/linux, userdata/windows/plan.ps1).
PHASES = {
    "control-plane": ("prepare", "download", "containerd", "init", "publish", "ready"),
    "linux": ("prepare", "download", "containerd", "join", "ready"),
    "windows": (
        "feature",
        "reboot",
        "download",
        "containerd",
        "prepare-node",
        "join",
        "flannel",
        "kube-proxy",
        "ready",
    ),
}
JOIN_ENDPOINT, JOIN_TOKEN = "10.0.0.1:6443", "faked0.0123456789abcdef"


@dataclass
class SimulatedMachines:
    """Simulates the machines of one cloud. `failure` is the error that ended the simulation early."""

    cloud: Cloud
    api: KubernetesApi
    failure: BaseException | None = None
    _machines: dict[str, NodeInstance] = field(default_factory=dict[str, NodeInstance])
    _owner: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._ec2, self._ssm = (_client(service, self.cloud) for service in ("ec2", "ssm"))
        self._kubernetes = self.api.client()

    def run(self) -> None:
        """Poll and act until the end.

        A failed action is repeated after the next poll, as a machine's scripts would.
        """
        left = FAILED_POLLS
        try:
            with ThreadPoolExecutor(WRITERS) as writers:
                while not self._ended.is_set():
                    began = time.monotonic()
                    try:
                        self._apply(self._listed(), writers)
                        left = FAILED_POLLS
                    except (BotoCoreError, ClientError, ResponseParserError, ApiFailure):
                        left -= 1
                        if not left:
                            raise
                    self._ended.wait(max(POLL_SECONDS, (time.monotonic() - began) / SHARE))
        except BaseException as error:  # `check` raises it in the caller's thread
            self.failure = error

    def check(self) -> None:
        """Raise the error that ended the simulation, if any: without reports an `up` would wait in vain."""
        if self.failure:
            raise RehearsalError(f"the simulation of the machines ended: {self.failure!r}") from self.failure

    def end(self) -> None:
        self._ended.set()

    def _listed(self) -> dict[str, NodeInstance]:
        """Return the running machines, the youngest last."""
        filters = [
            {"Name": "tag-key", "Values": [naming.NODE_TAG]},
            {"Name": "instance-state-name", "Values": [*LIVING]},
        ]
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=filters)
        instances = [
            instance
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]
        return {
            raw["InstanceId"]: NodeInstance.of(raw)
            for raw in sorted(instances, key=lambda raw: raw["LaunchTime"])
        }

    def _apply(self, listed: Mapping[str, NodeInstance], writers: ThreadPoolExecutor) -> None:
        for gone in self._machines.keys() - listed.keys():
            self._remove(self._machines.pop(gone))
        new = [machine for machine in listed.values() if machine.instance not in self._machines]
        # If the answer to a launch was lost, two machines have one name, and the stack waits for the younger.
        youngest = {(machine.stack, machine.node): machine for machine in new}.values()
        for machine in youngest:
            if machine.is_control_plane:
                self._publish_control_plane(machine)
        list(writers.map(self._join, youngest))
        self._machines.update((machine.instance, machine) for machine in new)

    def _publish_control_plane(self, machine: NodeInstance) -> None:
        self.api.reset()
        addons.install(self._kubernetes)
        self._owner = machine.instance
        kubeconfig = self.api.kubeconfig
        join = {"endpoint": JOIN_ENDPOINT, "token": JOIN_TOKEN, "caCertHash": f"sha256:{'0' * 64}"}
        documents = {
            join_parameters.JOIN: join,
            join_parameters.KUBECONFIG: {"kubeconfig": kubeconfig},
            join_parameters.WINDOWS_NETWORK: {"kubeconfig": kubeconfig},
        }
        for name, document in documents.items():
            self._put(machine, json.dumps({"instance": machine.instance, **document}), "SecureString", name)

    def _join(self, machine: NodeInstance) -> None:
        answer = self._ec2.describe_instance_attribute(InstanceId=machine.instance, Attribute="userData")
        user_data = base64.b64decode(answer["UserData"].get("Value", ""))
        node = node_object(machine, user_data, datetime.now(UTC))
        try:
            self._kubernetes.create("/api/v1/nodes", node)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # The Node of the machine that this one replaces; its end may not have been polled yet.
            self._kubernetes.delete(f"/api/v1/nodes/{machine.node}", {})
            self._kubernetes.create("/api/v1/nodes", node)
        self._put(
            machine,
            json.dumps(report(machine, int(time.time()))),
            "String",
            join_parameters.STATUS,
            machine.node,
        )

    def _remove(self, machine: NodeInstance) -> None:
        if machine.is_control_plane:
            if machine.instance == self._owner:
                self.api.reset()
        elif not any(other.node == machine.node for other in self._machines.values()):
            try:
                self._kubernetes.delete(f"/api/v1/nodes/{machine.node}", {})
            except ApiError as error:
                if error.status != 404:
                    raise

    def _put(self, machine: NodeInstance, value: str, kind: str, *parts: str) -> None:
        name = naming.Names(stack=machine.stack).parameter(*parts)
        self._ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def report(machine: NodeInstance, now: int) -> dict[str, Any]:
    """Return the last status report of a machine that went through all its phases in one second."""
    phases = PHASES["control-plane" if machine.is_control_plane else machine.family]
    return {
        "instance": machine.instance,
        "node": machine.node,
        "phase": phases[-1],
        "result": "ok",
        "detail": "stand-in: no machine",
        "phases": {name: {"start": now, "end": now} for name in phases},
    }


@contextmanager
def simulated_machines(cloud: Cloud, api: KubernetesApi) -> Generator[SimulatedMachines]:
    """Simulate every instance of the cloud during the block; raise at its end if the simulation failed."""
    machines, pods = SimulatedMachines(cloud, api), SimulatedPods(api.client())
    thread = threading.Thread(target=machines.run, name="simulated machines", daemon=True)
    pods.start()
    thread.start()
    try:
        yield machines
    finally:
        pods.end()
        machines.end()
        thread.join()
    machines.check()


def _client(service: str, cloud: Cloud) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=cloud.region,
        aws_access_key_id=STAND_IN_KEY,
        aws_secret_access_key="none",  # noqa: S106 - the fake cloud takes any
        # Adaptive: the client slows down if the cloud enforces rates.
        config=Config(
            max_pool_connections=WRITERS, retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS}
        ),
    )
