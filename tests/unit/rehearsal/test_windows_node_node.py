"""Test that the stand-in registers the Node of kubelet.exe, except for its label and annotation."""

from datetime import UTC, datetime

from rehearsal.windows_node import node
from rehearsal.windows_node.bootstrap import Discovery
from rehearsal.windows_node.inputs import Registration

NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 12, 4, tzinfo=UTC)
MACHINE = node.Machine(
    instance_id="i-1",
    ip="10.0.0.20",
    release=node.RELEASES["windows-2019"],
    kubernetes_version="1.35.8",
    containerd_version="2.2.7",
)
TAINT = {"key": "os", "value": "windows", "effect": "NoSchedule"}
DISCOVERY = Discovery(endpoint="10.0.0.10:6443", token="a.b", ca_cert_hashes=())
REGISTRATION = Registration(name="windows-0", discovery=DISCOVERY, labels={"team": "cards"}, taints=[TAINT])
DOWN = node.Readiness(network_up=False, since=NOON)
UP = node.Readiness(network_up=True, since=LATER)


def condition(readiness: node.Readiness, kind: str) -> dict:
    return next(c for c in node.conditions(readiness, now=LATER) if c["type"] == kind)


def test_the_node_is_called_a_stand_in_wherever_it_shows():
    created = node.node_object(MACHINE, REGISTRATION, DOWN)
    assert created["metadata"]["labels"][node.STAND_IN] == "true"
    assert "stand-in" in created["metadata"]["annotations"][node.STAND_IN]
    assert "stand-in" in created["status"]["nodeInfo"]["osImage"]
    assert "stand-in" in condition(UP, "Ready")["message"]


def test_a_node_without_pod_network_is_not_ready_and_says_why():
    assert condition(DOWN, "Ready")["status"] == "False"
    assert "cni plugin not initialized" in condition(DOWN, "Ready")["message"]
