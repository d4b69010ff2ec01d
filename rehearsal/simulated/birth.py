"""Derive the Node object that an instance's kubelet would register from the instance's user-data. Pure."""

import gzip
import itertools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from infra.config import naming
from rehearsal.windows_node.api import Json
from rehearsal.windows_node.inputs import from_user_data
from rehearsal.windows_node.node import RELEASES, STAND_IN, Readiness, conditions

GZIP = b"\x1f\x8b"
# The capacity of every node: enough for the workloads of the program.
CAPACITY = {"cpu": "2", "memory": "8Gi", "pods": "110", "ephemeral-storage": "50Gi"}
CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
NOTE = "no machine: a stand-in writes this Node"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeInstance:
    """An instance that is a node of a stack."""

    instance: str
    stack: str
    node: str
    os: str
    private_ip: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "NodeInstance":
        """Read an entry of `describe_instances`, which has the tags of all machines of the program."""
        tags = {tag["Key"]: tag["Value"] for tag in raw["Tags"]}
        return cls(
            instance=raw["InstanceId"],
            stack=tags[naming.STACK_TAG],
            node=tags[naming.NODE_TAG],
            os=tags[naming.OS_TAG],
            private_ip=raw["PrivateIpAddress"],
        )

    @property
    def is_control_plane(self) -> bool:
        return self.node == naming.CONTROL_PLANE

    @property
    def family(self) -> str:
        return "windows" if self.os.startswith("windows") else "linux"


def node_object(machine: NodeInstance, user_data: bytes, now: datetime) -> Json:
    """Return the Node with the labels and taints of the machine's kubeadm configuration."""
    registration = _registration(machine, user_data)
    extra = {argument["name"]: argument["value"] for argument in registration.get("kubeletExtraArgs") or []}
    own = dict(pair.split("=", 1) for pair in extra.get("node-labels", "").split(",") if pair)
    taints = [
        *([CONTROL_PLANE_TAINT] if machine.is_control_plane else []),
        *(registration.get("taints") or []),
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": machine.node, "labels": _labels(machine) | own, "annotations": {STAND_IN: NOTE}},
        "spec": {"taints": taints},
        "status": _status(machine, now),
    }


def shell_value(script: str, name: str) -> str:
    """Return the value of a quoted assignment that stands on its own line of a shell script."""
    found = re.search(rf"^{name}=(?=\S)", script, re.MULTILINE)
    if not found:
        raise ValueError(f"the user-data does not assign {name}")
    words = shlex.shlex(script[found.end() :], posix=True, punctuation_chars=False)
    words.whitespace_split = True
    return next(itertools.islice(words, 1))


def _registration(machine: NodeInstance, user_data: bytes) -> dict[str, Any]:
    if machine.family == "windows":
        text = from_user_data(user_data).join_configuration
    else:
        script = gzip.decompress(user_data) if user_data.startswith(GZIP) else user_data
        text = shell_value(script.decode(), "KUBEADM_CONFIG")
    return next(
        document["nodeRegistration"]
        for document in yaml.safe_load_all(text)
        if "nodeRegistration" in document
    )


def _labels(machine: NodeInstance) -> dict[str, str]:
    labels = {
        "kubernetes.io/hostname": machine.node,
        "kubernetes.io/os": machine.family,
        "kubernetes.io/arch": "amd64",
        STAND_IN: "true",
    }
    if machine.is_control_plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
    if machine.os in RELEASES:
        labels["node.kubernetes.io/windows-build"] = RELEASES[machine.os].build
    return labels


def _status(machine: NodeInstance, now: datetime) -> Json:
    return {
        "addresses": [
            {"type": "InternalIP", "address": machine.private_ip},
            {"type": "Hostname", "address": machine.node},
        ],
        "capacity": CAPACITY,
        "allocatable": CAPACITY,
        "conditions": conditions(Readiness(network_up=True, since=now), now=now),
        "nodeInfo": {
            **dict.fromkeys(("machineID", "systemUUID", "bootID"), machine.instance),
            **dict.fromkeys(("kernelVersion", "containerRuntimeVersion", "kubeProxyVersion"), ""),
            "kubeletVersion": "simulated",
            "osImage": f"{machine.os} (stand-in)",
            "operatingSystem": machine.family,
            "architecture": "amd64",
        },
    }
