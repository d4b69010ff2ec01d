"""Test the parts around the node: documents, status reports, the pods' source and `kubectl logs`."""

import json
import logging
import ssl
import threading
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
import urllib3
from typer.testing import CliRunner

from rehearsal.windows_node import addresses, kubelet_server, pods, program, rendezvous
from rehearsal.windows_node.__main__ import command
from rehearsal.windows_node.addresses import PodAddresses
from rehearsal.windows_node.api import ApiError
from rehearsal.windows_node.aws import AwsError
from rehearsal.windows_node.errors import InputError, StandinError
from rehearsal.windows_node.progress import PHASES, Progress
from rehearsal.windows_node.rendezvous import validated, wait_for_document

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

# --- rendezvous -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("pending", "the placeholder"),
        ("not JSON", "not JSON"),
        ("[]", "not an object"),
        ('{"instance": "i-old"}', "a document of i-old"),
        ('{"instance": "i-cp", "expires": "2026-11-25T12:00:00Z"}', "has expired"),
    ],
)
def test_only_a_fresh_document_of_the_right_control_plane_is_validated(value, problem):
    document, said = validated(value, "i-cp", now=NOW)
    assert document is None
    assert problem in said


def test_waiting_outlasts_refusals_until_the_document_is_there(monkeypatch):
    monkeypatch.setattr(rendezvous, "_POLL_SECONDS", 0)
    answers = iter([AwsError("AccessDenied"), "pending", '{"instance": "i-cp"}'])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert wait_for_document(read, control_plane="i-cp", timeout_seconds=60) == {"instance": "i-cp"}


def test_waiting_in_vain_says_what_was_seen_last():
    with pytest.raises(InputError, match="control plane i-cp within 0 s; last seen: the placeholder"):
        wait_for_document(lambda: "pending", control_plane="i-cp", timeout_seconds=0)


# --- progress ---------------------------------------------------------------------------------------------


def reports() -> tuple[Progress, list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []
    clock = iter(range(100, 1000))
    progress = Progress(
        instance="i-1",
        node="windows-0",
        publish=lambda text: sent.append(json.loads(text)),
        clock=lambda: next(clock),
    )
    return progress, sent


def test_every_report_names_the_stand_in_and_tells_the_whole_story():
    progress, sent = reports()
    for phase in PHASES:
        progress.skip(phase)
    progress.done()
    assert [report["phase"] for report in sent] == [*PHASES, "ready"]
    assert [report["result"] for report in sent] == ["running"] * len(PHASES) + ["ok"]
    assert all("stand-in" in report["detail"] for report in sent)
    assert sent[-1]["phases"]["join"] == {"start": 110, "end": 111}


def test_a_failure_is_reported_with_its_own_sentence_and_no_more_than_a_line():
    progress, sent = reports()
    with pytest.raises(StandinError), progress.phase("join"):
        raise StandinError("the token\nis unknown " + "x" * 600)
    assert sent[-1]["result"] == "failed"
    assert sent[-1]["detail"].startswith("stand-in: the token is unknown x")
    assert len(sent[-1]["detail"]) == 500


# --- AWS --------------------------------------------------------------------------------------------------


# --- flanneld and addresses -------------------------------------------------------------------------------


@pytest.fixture
def commands(monkeypatch) -> list[str]:
    """Record the commands that would run as root."""
    ran: list[str] = []

    def run(*command: str, stdin: str = "") -> str:
        ran.append(" ".join(command))
        return ""

    monkeypatch.setattr(addresses, "run", run)
    return ran


def test_pods_get_the_addresses_after_the_two_that_windows_takes_itself(commands):
    node = PodAddresses("10.0.0.20")
    node.use(IPv4Network("10.244.2.0/24"), host_ports=True)
    assert [node.allocate(), node.allocate()] == ["10.244.2.3", "10.244.2.4"]
    node.release("10.244.2.3")
    assert node.allocate() == "10.244.2.3"


def test_a_full_subnet_is_an_error_and_not_a_double_address(commands):
    node = PodAddresses("10.0.0.20")
    node.use(IPv4Network("10.244.2.0/30"), host_ports=True)
    with pytest.raises(StandinError, match=r"no free pod address in 10\.244\.2\.0/30"):
        node.allocate()


# --- the source of a pod ----------------------------------------------------------------------------------

SOURCE = {
    "CCAuth.cs": "class CCAuth {}",
    "ccauth.svc": "<%@ ServiceHost %>",
    "web.config": "<configuration/>",
}
POD = {
    "metadata": {"name": "p", "namespace": "microcosm", "uid": "u"},
    "spec": {
        "nodeName": "windows-0",
        "containers": [
            {
                "ports": [{"containerPort": 80}],
                "env": [
                    {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                    {"name": "MODE", "value": "demo"},
                ],
            }
        ],
        "volumes": [{"name": "source", "configMap": {"name": "ccauth-source"}}],
    },
}


def config_maps(data: dict[str, str]) -> SimpleNamespace:
    """Return an API that serves one ConfigMap."""

    def get(path: str) -> dict[str, Any]:
        if path != "/api/v1/namespaces/microcosm/configmaps/ccauth-source":
            raise ApiError("GET", path, 403, {"reason": "Forbidden"})
        return {"data": data}

    return SimpleNamespace(get=get)


def test_the_service_is_compiled_from_the_pods_own_config_map(monkeypatch, tmp_path):
    built: list[str] = []
    monkeypatch.setattr(
        program.host,
        "build",
        lambda source, folder: built.append(source.read_text()) or folder / "ccauth.exe",
    )
    prepared = program.prepare(config_maps(SOURCE), POD, tmp_path, pod_ip="10.244.2.3", host_ip="10.0.0.20")
    assert built == ["class CCAuth {}"]
    assert prepared.command[-1] == "http://10.244.2.3:80/ccauth.svc"
    assert prepared.environment == {"NODE_NAME": "windows-0", "MODE": "demo"}
    assert prepared.image_id.startswith("stand-in://")


def test_two_services_in_one_pod_are_refused_by_name(tmp_path):
    twice = SOURCE | {"other.svc": ""}
    with pytest.raises(StandinError, match=r"2 \.svc files \(ccauth\.svc, other\.svc\)"):
        program.prepare(config_maps(twice), POD, tmp_path, pod_ip="10.244.2.3", host_ip="10.0.0.20")


# --- following the API ------------------------------------------------------------------------------------


class Started:
    """Replaces a pod's worker."""

    def __init__(self, node: object, pod: dict[str, Any]) -> None:
        self.pod = pod
        self.log_file = Path(pod["metadata"]["name"])
        self.grace: list[float] = []

    def run(self) -> None:
        pass

    def update(self, pod: dict[str, Any]) -> None:
        self.pod = pod

    def end(self, grace: float) -> None:
        self.grace.append(grace)


def named(name: str, phase: str = "Pending") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default", "uid": name}, "status": {"phase": phase}}


class Watched:
    """Two lists of pods, each followed by a watch; then the API is gone."""

    def __init__(self) -> None:
        self.lists = iter([[named("a"), named("done", "Succeeded")], [named("b")]])
        self.changes = [("ADDED", named("c")), ("DELETED", named("c"))]
        self.selectors: list[str] = []
        self.over = threading.Event()

    def get(self, path: str, **query: str) -> dict[str, Any]:
        self.selectors.append(query["fieldSelector"])
        items = next(self.lists, None)
        if items is None:
            self.over.set()
            threading.Event().wait()  # until the process ends: an error here would fail another test
        return {"items": items, "metadata": {"resourceVersion": "7"}}

    def watch(self, path: str, **query: str):
        assert query["resourceVersion"] == "7"
        changes, self.changes = self.changes, []
        yield from changes


def test_pods_follow_lists_and_watches(monkeypatch):
    workers: dict[str, Started] = {}

    def started(node: object, pod: dict[str, Any]) -> Started:
        return workers.setdefault(pod["metadata"]["name"], Started(node, pod))

    monkeypatch.setattr(pods, "PodWorker", started)
    monkeypatch.setattr(pods, "_PAUSE_SECONDS", 0)
    api = Watched()
    followed = pods.Pods(SimpleNamespace(api=api), "windows-0")
    threading.Thread(target=followed.keep, daemon=True).start()
    assert api.over.wait(10)
    assert set(workers) == {"a", "b", "c"}, "a pod that has ended for good gets no worker"
    assert workers["c"].grace == [0], "deleted while watching"
    assert workers["a"].grace == [0], "missing from the next list"
    assert workers["b"].grace == []
    assert set(api.selectors) == {"spec.nodeName=windows-0"}, "the node authorizer allows no other list"
    assert followed.log_file("default", "b") == Path("b")
    assert followed.log_file("default", "a") is None


# --- kubectl logs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Start a kubelet server; yield a function that calls it with a client certificate."""
    ca = trustme.CA()
    folder = tmp_path_factory.mktemp("kubelet")
    log_file = folder / "container.log"
    log_file.write_text("one\ntwo\nthree\n")

    def find(namespace: str, pod: str) -> Path | None:
        return log_file if (namespace, pod) == ("microcosm", "ccauth") else None

    server = kubelet_server.KubeletServer(
        node="windows-0",
        ip="127.0.0.1",
        ca_pem=ca.cert_pem.bytes().decode(),
        directory=folder,
        log_file=find,
        port=0,
    )
    threading.Thread(target=server.keep, daemon=True).start()

    def ask(path: str, common_name: str | None) -> tuple[int, bytes]:
        tls = ssl.create_default_context()
        # as the API server does with self-signed kubelets
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        if common_name:
            ca.issue_cert(common_name=common_name).configure_cert(tls)
        with urllib3.PoolManager(ssl_context=tls, retries=False) as pool:
            answer = pool.request("GET", f"https://127.0.0.1:{server.port}{path}")
            return answer.status, answer.data

    yield ask
    server.close()


PATH = "/containerLogs/microcosm/ccauth/ccauth"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
class TestLogs:
    @pytest.mark.parametrize(
        ("query", "text"),
        [("", b"one\ntwo\nthree\n"), ("?tailLines=2", b"two\nthree\n"), ("?tailLines=0", b"")],
    )
    def test_the_api_server_gets_the_log(self, logs, query, text):
        assert logs(PATH + query, "kube-apiserver-kubelet-client") == (200, text)

    def test_a_node_does_not_get_it(self, logs):
        assert logs(PATH, "system:node:linux-0")[0] == 403

    def test_nobody_gets_in_without_a_certificate_of_the_cluster(self, logs):
        with pytest.raises((urllib3.exceptions.SSLError, urllib3.exceptions.ProtocolError)):
            logs(PATH, None)

    def test_another_pods_log_is_not_there(self, logs):
        assert logs("/containerLogs/microcosm/other/c", "kube-apiserver-kubelet-client")[0] == 404


# --- the command line -------------------------------------------------------------------------------------

ARGUMENTS = {
    "--instance-id": "i-1",
    "--node": "windows-0",
    "--private-ip": "10.0.0.20",
    "--region": "eu-west-1",
    "--flanneld": "true",
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"--os": "windows-2016"}, "--os is windows-2016; accepted is one of windows-2019"),
        ({"--flanneld": "no-such-program"}, "--flanneld no-such-program is no program"),
    ],
)
def test_a_wrong_argument_is_one_sentence(tmp_path, monkeypatch, changes, sentence):
    monkeypatch.setattr(logging.root, "handlers", [])
    arguments = ARGUMENTS | {"--state": str(tmp_path / "state"), "--log": str(tmp_path / "log")} | changes
    result = CliRunner().invoke(command, [word for pair in arguments.items() for word in pair])
    for opened in logging.root.handlers:
        opened.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert result.exit_code == 1
    assert len(lines) == 1
    assert sentence in lines[0]
