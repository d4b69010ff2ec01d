"""Speaks for the cloud's instances: what the scripts of each would write into its parameters, and its Node object.

One cluster at a time: the control plane that was launched last has the API, made new for it, and takes it along when it ends.
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

from infra import naming, rendezvous
from rehearsal.cloud.process import Cloud
from rehearsal.cloud.settings import STAND_IN_KEY
from rehearsal.errors import RehearsalError
from rehearsal.faked import addons
from rehearsal.faked.api import KubernetesApi
from rehearsal.faked.birth import Machine, node_object
from rehearsal.faked.pods import HollowPods
from rehearsal.windows_standin.api import ApiError, ApiFailure

LOOK_SECONDS = 0.1
# Of the cloud's time; it answers one call at a time, and who waits for machines should not wait for our looking.
SHARE = 0.1
WRITERS = 4
# Looks in a row that may fail.
PATIENCE = 20
ATTEMPTS = 10
LIVING = ("pending", "running")
# The phases that a machine of each kind goes through (userdata/linux, userdata/windows/plan.ps1).
PHASES = {
    "control-plane": ("prepare", "download", "containerd", "init", "publish", "ready"),
    "linux": ("prepare", "download", "containerd", "join", "ready"),
    "windows": ("feature", "reboot", "download", "containerd", "prepare-node", "join", "flannel", "kube-proxy", "ready"),
}
JOIN_ENDPOINT, JOIN_TOKEN = "10.0.0.1:6443", "faked0.0123456789abcdef"


@dataclass
class FakedMachines:
    """Follows one cloud. `failure` is what ended it, if anything but the end of the block did."""

    cloud: Cloud
    api: KubernetesApi
    failure: BaseException | None = None
    _known: dict[str, Machine] = field(default_factory=dict[str, Machine])
    _owner: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._ec2, self._ssm = (_client(service, self.cloud) for service in ("ec2", "ssm"))
        self._kubernetes = self.api.client()

    def keep(self) -> None:
        """Look and act until the end. What cannot be done now is tried again at the next look, as a machine's scripts would."""
        patience = PATIENCE
        try:
            with ThreadPoolExecutor(WRITERS) as writers:
                while not self._ended.is_set():
                    began = time.monotonic()
                    try:
                        self._follow(self._listed(), writers)
                        patience = PATIENCE
                    except (BotoCoreError, ClientError, ResponseParserError, ApiFailure):
                        patience -= 1
                        if not patience:
                            raise
                    self._ended.wait(max(LOOK_SECONDS, (time.monotonic() - began) / SHARE))
        except BaseException as error:  # whoever opened this block is told, by `check` or at its end
            self.failure = error

    def check(self) -> None:
        """Raises what ended it, if anything did: without machines' reports an `up` only waits."""
        if self.failure:
            raise RehearsalError(f"the faked machines ended: {self.failure!r}") from self.failure

    def end(self) -> None:
        self._ended.set()

    def _listed(self) -> dict[str, Machine]:
        """The living machines, the youngest last."""
        filters = [{"Name": "tag-key", "Values": [naming.NODE_TAG]}, {"Name": "instance-state-name", "Values": [*LIVING]}]
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=filters)
        instances = [instance for page in pages for reservation in page["Reservations"] for instance in reservation["Instances"]]
        return {raw["InstanceId"]: Machine.of(raw) for raw in sorted(instances, key=lambda raw: raw["LaunchTime"])}

    def _follow(self, listed: Mapping[str, Machine], writers: ThreadPoolExecutor) -> None:
        for gone in self._known.keys() - listed.keys():
            self._bury(self._known.pop(gone))
        born = [machine for machine in listed.values() if machine.instance not in self._known]
        # Of two with one name (the answer to the first launch was lost) the younger is the one that somebody waits for.
        youngest = {(machine.stack, machine.node): machine for machine in born}.values()
        for machine in youngest:
            if machine.is_control_plane:
                self._raise_control_plane(machine)
        list(writers.map(self._join, youngest))
        self._known.update((machine.instance, machine) for machine in born)

    def _raise_control_plane(self, machine: Machine) -> None:
        self.api.make_new()
        addons.install(self._kubernetes)
        self._owner = machine.instance
        kubeconfig = self.api.kubeconfig
        join = {"endpoint": JOIN_ENDPOINT, "token": JOIN_TOKEN, "caCertHash": f"sha256:{'0' * 64}"}
        documents = {rendezvous.JOIN: join, rendezvous.KUBECONFIG: {"kubeconfig": kubeconfig}, rendezvous.WINDOWS_NETWORK: {"kubeconfig": kubeconfig}}
        for name, document in documents.items():
            self._put(machine, json.dumps({"instance": machine.instance, **document}), "SecureString", name)

    def _join(self, machine: Machine) -> None:
        answer = self._ec2.describe_instance_attribute(InstanceId=machine.instance, Attribute="userData")
        user_data = base64.b64decode(answer["UserData"].get("Value", ""))
        node = node_object(machine, user_data, datetime.now(UTC))
        try:
            self._kubernetes.create("/api/v1/nodes", node)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # The one that this machine takes the place of; it may not have been seen to end yet.
            self._kubernetes.delete(f"/api/v1/nodes/{machine.node}", {})
            self._kubernetes.create("/api/v1/nodes", node)
        self._put(machine, json.dumps(report(machine, int(time.time()))), "String", rendezvous.STATUS, machine.node)

    def _bury(self, machine: Machine) -> None:
        if machine.is_control_plane:
            if machine.instance == self._owner:
                self.api.make_new()
        elif not any(other.node == machine.node for other in self._known.values()):
            try:
                self._kubernetes.delete(f"/api/v1/nodes/{machine.node}", {})
            except ApiError as error:
                if error.status != 404:
                    raise

    def _put(self, machine: Machine, value: str, kind: str, *parts: str) -> None:
        name = naming.Names(stack=machine.stack).parameter(*parts)
        self._ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def report(machine: Machine, now: int) -> dict[str, Any]:
    """The last status report of a machine that came through all its phases within a second."""
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
def faked_machines(cloud: Cloud, api: KubernetesApi) -> Generator[FakedMachines]:
    """Speaks for every instance of the cloud for the length of the block; raises at its end what went wrong with that."""
    machines, pods = FakedMachines(cloud, api), HollowPods(api.client())
    thread = threading.Thread(target=machines.keep, name="faked machines", daemon=True)
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
        # Adaptive: where the cloud has rates, no faster than it takes.
        config=Config(max_pool_connections=WRITERS, retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS}),
    )
