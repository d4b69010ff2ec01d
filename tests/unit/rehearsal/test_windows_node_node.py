"""Test that the stand-in registers the Node of kubelet.exe, except for its label and annotation."""

from datetime import UTC, datetime

from rehearsal.windows_node import node
from rehearsal.windows_node.api import ApiError
from rehearsal.windows_node.bootstrap import Discovery
from rehearsal.windows_node.heartbeat import Heartbeat
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


def test_a_windows_pod_finds_the_node_by_its_labels_and_others_are_kept_off():
    created = node.node_object(MACHINE, REGISTRATION, DOWN)
    wanted = {
        "kubernetes.io/os": "windows",
        "node.kubernetes.io/windows-build": "10.0.17763",
        "team": "cards",
    }
    assert wanted.items() <= created["metadata"]["labels"].items()
    assert created["spec"]["taints"] == [TAINT]


def test_the_node_is_called_a_stand_in_wherever_it_shows():
    created = node.node_object(MACHINE, REGISTRATION, DOWN)
    assert created["metadata"]["labels"][node.STAND_IN] == "true"
    assert "stand-in" in created["metadata"]["annotations"][node.STAND_IN]
    assert "stand-in" in created["status"]["nodeInfo"]["osImage"]
    assert "stand-in" in condition(UP, "Ready")["message"]


def test_a_node_without_pod_network_is_not_ready_and_says_why():
    assert condition(DOWN, "Ready")["status"] == "False"
    assert "cni plugin not initialized" in condition(DOWN, "Ready")["message"]


class Registry:
    """The API of a heartbeat; a Node of an earlier machine with this name may exist."""

    def __init__(self, *, taken: bool = False) -> None:
        self.taken = taken
        self.calls: list[tuple[str, str, dict]] = []

    def create(self, path: str, body: dict) -> dict:
        self.calls.append(("create", path, body))
        if self.taken and path == "/api/v1/nodes":
            raise ApiError("POST", path, 409, {"reason": "AlreadyExists"})
        return {}

    def patch(self, path: str, body: dict) -> dict:
        self.calls.append(("patch", path, body))
        return {}


def test_a_node_of_an_earlier_machine_is_taken_over():
    registry = Registry(taken=True)
    Heartbeat(registry, MACHINE, REGISTRATION).register()
    action, path, body = registry.calls[-1]
    assert (action, path) == ("patch", "/api/v1/nodes/windows-0")
    assert body["metadata"]["labels"]["node.kubernetes.io/windows-build"] == "10.0.17763"


def test_the_status_is_sent_when_it_changes_and_not_with_every_lease():
    registry = Registry()
    heartbeat = Heartbeat(registry, MACHINE, REGISTRATION, clock=lambda: NOON)
    for _ in range(3):
        heartbeat.beat()
    assert not heartbeat.ready.is_set()
    heartbeat.network_is_up()
    heartbeat.beat()
    paths = [path for _, path, _ in registry.calls]
    assert paths.count("/api/v1/nodes/windows-0/status") == 2
    assert len([path for path in paths if "leases" in path]) == 4
    assert heartbeat.ready.is_set()
