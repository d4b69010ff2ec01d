"""Test that pods on the stand-in go through kubelet's states, and that it runs only pods that it supports."""

import copy
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rehearsal.waiting import poll
from rehearsal.windows_node import pod_status, probes, program, worker
from rehearsal.windows_node.backoff import CrashBackOff
from rehearsal.windows_node.pod_status import Container, Running, Terminated, Waiting
from rehearsal.windows_node.probes import HttpProbe, Probing
from rehearsal.windows_node.worker import Node, PodWorker

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
POD = {
    "metadata": {"name": "ccauth-1", "namespace": "microcosm", "uid": "u-1", "generation": 3},
    "spec": {
        "nodeName": "windows-0",
        "restartPolicy": "Always",
        "containers": [
            {
                "name": "ccauth",
                "image": "mcr.microsoft.com/dotnet/framework/wcf:4.8-windowsservercore-ltsc2019",
                "ports": [{"name": "http", "containerPort": 80, "hostPort": 80}],
                "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
            }
        ],
        "volumes": [{"name": "source", "configMap": {"name": "ccauth-source"}}],
    },
    "status": {},
}
ENDED = Terminated(exit_code=137, started_at=NOW, finished_at=NOW, container_id="stand-in://u-1-0")


def pod(**changes: object) -> dict:
    """Return the pod with changes to its one container."""
    changed = copy.deepcopy(POD)
    changed["spec"]["containers"][0] |= changes
    return changed


def status(container: Container, *, before: dict | None = None, now: datetime = NOW) -> dict:
    return pod_status.status(
        POD, container, before=before or {}, host_ip="10.0.0.20", pod_ip="10.244.1.3", created=NOW, now=now
    )


# --- what can run -----------------------------------------------------------------------------------------


def test_the_pod_of_ccauth_can_run():
    assert program.unsupported_reason(POD) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"image": "mcr.microsoft.com/windows/servercore/iis:ltsc2019"},
            "cannot run Windows images (mcr.microsoft.com/windows/servercore/iis",
        ),
        ({"livenessProbe": {"exec": {"command": ["cmd"]}}}, "only httpGet probes, not this livenessProbe"),
        (
            {"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
            "cannot fill in the variable KEY",
        ),
    ],
)
def test_any_other_pod_is_told_what_the_stand_in_cannot_do(change, reason):
    assert reason in (program.unsupported_reason(pod(**change)) or "")


# --- status -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "phase"),
    [
        (Container(state=Waiting("ContainerCreating")), "Pending"),
        (Container(state=Running(started_at=NOW)), "Running"),
        (Container(state=Waiting("CrashLoopBackOff"), last=ENDED), "Running"),
        (Container(state=ENDED, last=ENDED), "Running"),
    ],
)
def test_a_pod_that_is_restarted_always_is_pending_and_then_running(container, phase):
    assert status(container)["phase"] == phase


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (137, "Failed")])
def test_the_end_of_a_deleted_pod_is_final(code, phase):
    deleted = POD | {"metadata": POD["metadata"] | {"deletionTimestamp": "2026-11-25T12:00:00Z"}}
    ended = Terminated(exit_code=code, started_at=NOW, finished_at=NOW, container_id="c")
    assert pod_status.phase(deleted, Container(state=ended)) == phase


def test_a_condition_keeps_its_time_until_it_changes():
    first = status(Container(state=Running(started_at=NOW)))
    later = NOW + timedelta(minutes=1)
    same = status(Container(state=Running(started_at=NOW)), before=first, now=later)
    ready = status(
        Container(state=Running(started_at=NOW), started=True, ready=True), before=first, now=later
    )
    assert same == first, "an unchanged status is not sent again"
    changed = {c["type"]: c["lastTransitionTime"] for c in ready["conditions"]}
    assert changed["Ready"] == "2026-11-25T12:01:00Z"
    assert changed["PodScheduled"] == "2026-11-25T12:00:00Z"


def test_a_ready_condition_takes_the_reason_of_the_unready_one_away():
    ready = next(
        c
        for c in status(Container(state=Running(started_at=NOW), ready=True))["conditions"]
        if c["type"] == "Ready"
    )
    assert ready["reason"] is None, "a strategic merge would keep it"


def test_the_back_off_grows_as_kubelets_does_and_is_forgotten_after_a_long_run():
    back_off = CrashBackOff()
    assert [back_off.ended(now) for now in (0, 1, 12, 40, 90, 200, 400, 800)] == [
        0,
        10,
        20,
        40,
        80,
        160,
        300,
        300,
    ]
    assert back_off.ended(800 + 601) == 0


# --- probes -----------------------------------------------------------------------------------------------


def probe(**changes: int) -> HttpProbe:
    defaults = {
        "initial_delay_seconds": 0,
        "period_seconds": 5,
        "timeout_seconds": 1,
        "success_threshold": 1,
        "failure_threshold": 3,
    }
    return HttpProbe(path="/healthz", port=80, headers={}, **(defaults | changes))


def observe(probing: Probing, kind: str, success: bool, now: float) -> None:
    dict(probing.due(now))[kind].observe(success, now)


def test_the_startup_probe_goes_first_and_alone():
    probing = Probing({"startup": probe(), "liveness": probe(), "readiness": probe()}, started=0)
    assert [kind for kind, _ in probing.due(0)] == ["startup"]
    observe(probing, "startup", True, 0)
    assert [kind for kind, _ in probing.due(5)] == ["liveness", "readiness"]
    assert not probing.ready, "ready is what the readiness probe says, not that there was a start"


@pytest.mark.parametrize("kind", ["startup", "liveness"])
def test_a_container_is_given_up_after_as_many_failures_in_a_row_as_its_threshold(kind):
    probing = Probing({kind: probe(failure_threshold=2)}, started=0)
    for now, success in ((0, False), (5, True), (10, False)):
        if probing.due(now):
            observe(probing, kind, success, now)
    assert probing.must_restart is None, "the failures were not in a row"
    if kind == "liveness":
        observe(probing, kind, False, 15)
        assert probing.must_restart == kind


def test_a_failing_readiness_probe_restarts_nothing():
    probing = Probing({"readiness": probe(failure_threshold=1)}, started=0)
    observe(probing, "readiness", False, 0)
    assert not probing.ready
    assert probing.must_restart is None


def test_a_probe_waits_for_its_delay_and_its_period():
    probing = Probing({"readiness": probe(initial_delay_seconds=7)}, started=100)
    assert not probing.due(106)
    observe(probing, "readiness", True, 107)
    assert not probing.due(111)
    assert probing.due(112)


@pytest.fixture
def answering() -> Iterator[int]:
    """Serve on a loopback port; each path is answered with the status that it names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("code", "success"), [(200, True), (302, True), (399, True), (400, False), (500, False)]
)
def test_an_answer_from_200_to_399_is_a_success(answering, code, success):
    sent = HttpProbe(path=f"/{code}", port=answering, headers={}, **dict.fromkeys(PROBE_NUMBERS, 1))
    assert probes.send(sent, "127.0.0.1")[0] is success


PROBE_NUMBERS = (
    "initial_delay_seconds",
    "period_seconds",
    "timeout_seconds",
    "success_threshold",
    "failure_threshold",
)


# --- the life of a pod ------------------------------------------------------------------------------------


class Api:
    """Records the node's reports about its pods."""

    def __init__(self) -> None:
        self.statuses: list[dict] = []
        self.deletions: list[dict] = []

    def patch(self, path: str, body: dict) -> dict:
        self.statuses.append(body["status"])
        return {}

    def delete(self, path: str, body: dict) -> dict:
        self.deletions.append(body)
        return {}

    def containers(self, key: str) -> list:
        return [status["containerStatuses"][0][key] for status in self.statuses]


class Addresses:
    """A working network; records the released addresses."""

    available = True
    host_ports = True

    def __init__(self) -> None:
        self.log: list[str] = []

    def allocate(self) -> str:
        self.log.append("allocate")
        return "127.0.0.1"

    def release(self, address: str) -> None:
        self.log.append("release")

    def open_port(self, address: str, port: object) -> None:
        self.log.append("open")

    def close_port(self, address: str, port: object) -> None:
        self.log.append("close")


class Recorder:
    """Records the reasons of events."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def pod(self, pod: dict, kind: str, reason: str, message: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def node(tmp_path, monkeypatch) -> Node:
    monkeypatch.setattr(worker, "_RELIST_SECONDS", 0.01)
    return Node(api=Api(), addresses=Addresses(), recorder=Recorder(), ip="10.0.0.20", directory=tmp_path)


def start(node: Node, monkeypatch, code: str, described: dict = POD) -> PodWorker:
    """Start a worker whose container is a Python program."""
    run = program.Program(command=[sys.executable, "-c", code], image_id="stand-in://test")
    monkeypatch.setattr(program, "prepare", lambda *_, **__: run)
    started = PodWorker(node, described)
    threading.Thread(target=started.run, daemon=True).start()
    return started


def wait_until(condition) -> None:
    assert poll(condition, 10, every=0.01), "not within 10 s"


def delete(running: PodWorker, grace: int = 5) -> None:
    metadata = POD["metadata"] | {
        "deletionTimestamp": "2026-11-25T12:00:00Z",
        "deletionGracePeriodSeconds": grace,
    }
    running.update(POD | {"metadata": metadata})
    assert running.ended.wait(10)


SLEEP = "import time; print('up', flush=True); time.sleep(60)"


def test_a_pod_runs_and_is_removed_once_its_container_has_ended(node, monkeypatch):
    running = start(node, monkeypatch, SLEEP)
    wait_until(lambda: True in node.api.containers("ready") and running.log_file.read_bytes())
    delete(running)
    assert node.api.statuses[-1]["phase"] == "Failed"
    assert node.api.containers("state")[-1]["terminated"]["exitCode"] == 128 + 15, "it ended by SIGTERM"
    assert node.api.deletions == [
        {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": "u-1"},
        },
    ]
    assert node.addresses.log == ["allocate", "open", "close", "release"]


def test_a_container_that_ignores_sigterm_is_killed_after_the_grace_period(node, monkeypatch):
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    running = start(node, monkeypatch, deaf)
    wait_until(lambda: running.log_file.exists() and running.log_file.read_bytes())
    delete(running, grace=0)
    assert node.api.containers("state")[-1]["terminated"]["exitCode"] == 128 + 9


def test_a_crash_is_restarted_at_once_and_the_next_one_backs_off(node, monkeypatch):
    running = start(node, monkeypatch, "raise SystemExit(3)")
    wait_until(
        lambda: any(
            "waiting" in s and s["waiting"]["reason"] == "CrashLoopBackOff"
            for s in node.api.containers("state")
        )
    )
    running.end(0)
    assert running.ended.wait(10)
    assert node.api.containers("restartCount")[-1] == 1
    assert node.api.containers("lastState")[-1]["terminated"]["exitCode"] == 3
    assert node.recorder.reasons.count("Started") == 2
    assert node.api.deletions == [], "the node went away, not the pod"


def test_a_container_that_its_liveness_probe_gives_up_is_started_again(node, monkeypatch):
    failing = {"httpGet": {"path": "/", "port": 1}, "periodSeconds": 1, "failureThreshold": 1}
    running = start(node, monkeypatch, SLEEP, pod(livenessProbe=failing))
    wait_until(lambda: node.recorder.reasons.count("Started") == 2)
    assert {"Unhealthy", "Killing"} <= set(node.recorder.reasons)
    delete(running)


def test_a_foreign_windows_pod_waits_and_says_that_this_is_a_stand_in(node, monkeypatch):
    waiting = start(node, monkeypatch, SLEEP, pod(image="example.org/windows:1"))
    wait_until(lambda: node.api.statuses)
    assert node.api.statuses[-1]["phase"] == "Pending"
    assert node.api.containers("state")[-1]["waiting"]["reason"] == "StandInCannotRun"
    delete(waiting)
    assert len(node.api.deletions) == 1


def test_a_node_that_starts_again_goes_on_counting_restarts(node, monkeypatch):
    described = POD | {"status": {"containerStatuses": [{"restartCount": 4}]}}
    running = start(node, monkeypatch, SLEEP, described)
    wait_until(lambda: node.api.statuses)
    delete(running)
    assert node.api.containers("restartCount")[-1] == 4


def test_a_host_port_that_windows_would_not_open_is_not_opened(node, monkeypatch):
    node.addresses.host_ports = False
    running = start(node, monkeypatch, SLEEP)
    wait_until(lambda: "HostPortIgnored" in node.recorder.reasons)
    delete(running)
    assert "open" not in node.addresses.log


def test_addresses_take_the_place_of_those_of_the_machine_before(node, monkeypatch):
    """A replacing worker has the name and pods of the old one; a strategic merge would keep both addresses,
    which the API refuses.
    """
    running = start(node, monkeypatch, SLEEP)
    wait_until(lambda: any("podIPs" in status for status in node.api.statuses))
    assert all(
        status[name][0] == {"$patch": "replace"}
        for status in node.api.statuses
        for name in ("hostIPs", "podIPs")
        if name in status
    )
    delete(running)
