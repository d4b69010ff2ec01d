"""The wait for cluster DNS and the network's pods, with an API and a clock of the test's own."""

import asyncio
import base64
import http.server
import json
import ssl
import threading
import urllib.error
from types import SimpleNamespace

import pytest
import trustme
import yaml

from infra import availability, kubernetes_api
from infra.availability import NEEDED, lacking
from infra.errors import ClusterNotReadyError
from tests.support import stacks

COREDNS, KUBE_PROXY, FLANNEL = NEEDED
NODES = ("control-plane", "linux-0")
AVAILABLE = {"availableReplicas": 1, "desiredNumberScheduled": 2, "numberAvailable": 2}


def pod(node, waiting=None, name="pod-1"):
    ready = {"type": "Ready", "status": "False" if waiting else "True"}
    state = {"waiting": {"reason": waiting, "message": "no such host"}} if waiting else {"running": {}}
    status = {"phase": "Running", "conditions": [ready], "containerStatuses": [{"state": state}]}
    return {"metadata": {"name": name}, "spec": {"nodeName": node}, "status": status}


def api(statuses=None, pods=None):
    """A `read` of an API where all is available but what is given here, by object."""

    def read(path):
        for needed in NEEDED:
            if path == needed.path:
                status = (statuses or {}).get(needed, AVAILABLE)
                if isinstance(status, Exception):
                    raise status
                return {"status": status}
            if path == needed.pods:
                return {"items": (pods or {})[needed]}
        raise AssertionError(path)

    return read


def refused(code):
    return urllib.error.HTTPError("https://api", code, "refused", None, None)


def test_nothing_is_lacking_where_every_object_is_available():
    assert lacking(api(), NODES) == []


def test_dns_that_is_not_available_is_named_with_what_its_pod_waits_for():
    found = lacking(api({COREDNS: {}}, {COREDNS: [pod("linux-0", "ImagePullBackOff", "coredns-1")]}), NODES)
    assert found == [
        "Deployment kube-system/coredns is not available: pod coredns-1 on linux-0: ImagePullBackOff: no "
        "such host"
    ]


def test_a_deployment_without_a_replica_is_no_dns():
    """Kubernetes' own condition Available is True then."""
    status = {"replicas": 0, "conditions": [{"type": "Available", "status": "True"}]}
    found = lacking(api({COREDNS: status}, {COREDNS: []}), NODES)
    assert found == ["Deployment kube-system/coredns is not available: no pod yet"]


def test_a_pod_that_cannot_be_placed_is_named_with_the_schedulers_words():
    unplaced = {
        "metadata": {"name": "coredns-1"},
        "spec": {},
        "status": {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}],
        },
    }
    (line,) = lacking(api({COREDNS: {}}, {COREDNS: [unplaced]}), NODES)
    assert line.endswith("pod coredns-1 on no node: 0/2 nodes are available")


@pytest.mark.parametrize("needed", [KUBE_PROXY, FLANNEL])
def test_a_daemon_set_is_named_with_each_node_that_lacks_it(needed):
    statuses = {needed: {"desiredNumberScheduled": 2, "numberAvailable": 1}}
    pods = {needed: [pod("linux-0", "CrashLoopBackOff")]}
    (line,) = lacking(api(statuses, pods), NODES)
    assert line == (
        f"{needed} is not available: no pod on control-plane yet; pod pod-1 on linux-0: CrashLoopBackOff: "
        f"no such host"
    )


def test_a_node_that_is_not_of_the_stack_holds_up_nothing():
    """A worker that was removed keeps its Node for a minute; its pods will never be Ready."""
    statuses = {KUBE_PROXY: {"desiredNumberScheduled": 3, "numberAvailable": 2}}
    pods = {KUBE_PROXY: [pod("control-plane"), pod("linux-0"), pod("linux-1", "Terminated")]}
    assert lacking(api(statuses, pods), NODES) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(404), "it does not exist"),
        (refused(403), "the API server answers 403"),
        (TimeoutError("timed out"), "the API server does not answer (timed out)"),
    ],
)
def test_an_answer_that_is_none_is_a_reason_and_no_traceback(answer, reason):
    assert lacking(api({COREDNS: answer}), NODES) == [
        f"Deployment kube-system/coredns is not available: {reason}"
    ]


class Later:
    """An API in which DNS becomes available with the given look."""

    def __init__(self, looks):
        self.left = looks

    def kubernetes(self, kubeconfig):
        assert kubeconfig == "the kubeconfig"

        def read(path):
            if path == COREDNS.path:
                self.left -= 1
            statuses = {COREDNS: AVAILABLE if self.left <= 0 else {}}
            return api(statuses, {COREDNS: [pod("linux-0", "ContainerCreating", "coredns-1")]})(path)

        return read


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    async def at_once(_):
        pass

    monkeypatch.setattr("infra.availability.asyncio.sleep", at_once)


def waited(cloud, *, wait=True, minutes=9):
    told, ticks = [], iter(range(0, 10_000, 10))
    gate = SimpleNamespace(
        cloud=cloud, wait=wait, timeout_minutes=minutes, clock=lambda: next(ticks), tell=told.append
    )
    return asyncio.run(availability.wait(gate, "the kubeconfig", NODES)), told


def test_the_wait_ends_with_the_look_that_finds_all_available_and_says_once_what_it_waits_for():
    found, told = waited(Later(5))
    assert found is True
    assert told == [
        "Deployment kube-system/coredns is not available: pod coredns-1 on linux-0: ContainerCreating: no "
        "such host"
    ]


def test_a_preview_looks_once_and_never_waits():
    cloud = Later(5)
    assert waited(cloud, wait=False) == (False, [])
    assert cloud.left == 4


def test_the_time_limit_names_the_object_and_the_reason():
    with pytest.raises(ClusterNotReadyError) as caught:
        waited(Later(10_000), minutes=1)
    assert str(caught.value).splitlines()[:2] == [
        "not available within 1 minutes:",
        "Deployment kube-system/coredns is not available: pod coredns-1 on linux-0: ContainerCreating: no "
        "such host",
    ]


@pytest.mark.parametrize("stack", ["committed", "no-windows", "no-nodes"])
def test_no_up_succeeds_without_dns_whatever_is_in_the_stack(monkeypatch, stack):
    """Also a stack without workloads, whose Deployments would be waited for."""
    asked = []

    def wait(gate, kubeconfig, linux_nodes):
        asked.append((kubeconfig, sorted(linux_nodes)))
        raise ClusterNotReadyError("no DNS")

    monkeypatch.setattr(availability, "wait", wait)
    with pytest.raises(ClusterNotReadyError, match="no DNS"):
        stacks.run(stacks.STACKS[stack])
    linux = ["control-plane"] if stack == "no-nodes" else ["control-plane", "linux-0"]
    assert asked == [(stacks.KUBECONFIG, linux)]


@pytest.fixture
def https_api(tmp_path):
    """An API server that takes only clients with a certificate of its CA; yields its kubeconfig."""
    authority = trustme.CA()
    client = authority.issue_cert("admin")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    user = {
        "client-certificate-data": encoded(client.cert_chain_pems[0].bytes()),
        "client-key-data": encoded(client.private_key_pem.bytes()),
    }
    cluster = {
        "server": f"https://127.0.0.1:{server.server_port}",
        "certificate-authority-data": encoded(authority.cert_pem.bytes()),
    }
    yield yaml.safe_dump({"clusters": [{"cluster": cluster}], "users": [{"user": user}]})
    server.shutdown()
    server.server_close()


def encoded(content):
    return base64.b64encode(content).decode()


def test_the_api_is_read_with_the_kubeconfigs_certificate_and_the_key_is_left_nowhere(
    https_api, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert kubernetes_api.reader(https_api)("/apis/apps/v1") == {"path": "/apis/apps/v1"}
    assert list(tmp_path.iterdir()) == []
