"""Requests and their answers, from here, from a Linux pod and from a Windows pod."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from microcosm.errors import OperatorError
from microcosm.smoke import probe_pod, windows_exec
from microcosm.smoke.probe import Answer, Failure, FromHere, Request, failure_of


class Page(BaseHTTPRequestHandler):
    """Says OK, unless asked for something bad."""

    def do_GET(self) -> None:
        status = 400 if "bad" in self.path else 200
        body = b'"no"' if status == 400 else b'"Auth Code: 1234"'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A web server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def closed_url() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("wget: can't connect to remote host (10.0.0.1): Connection refused", Failure.REFUSED),
        ("Terminated\ntimed out", Failure.TIMEOUT),
        ("wget: bad address 'ccauth'", Failure.NO_NAME),
        ("** server can't find x: NXDOMAIN", Failure.NO_NAME),
        (";; connection timed out; no servers could be reached", Failure.TIMEOUT),
        ("wget: can't connect to remote host: No route to host", Failure.UNREACHABLE),
        ("The operation has timed out.", Failure.TIMEOUT),
        ("Unable to connect to the remote server", Failure.UNREACHABLE),
        ("The remote name could not be resolved: 'ccauth'", Failure.NO_NAME),
        ("The underlying connection was closed: An unexpected error occurred on a receive.", Failure.RESET),
        ("", Failure.OTHER),
    ],
)
def test_the_words_of_each_program_name_the_failure(said: str, failure: Failure) -> None:
    """busybox, nslookup and PowerShell say the same things in their own ways."""
    assert failure_of(said) is failure


def test_requests_from_here(url: str, closed_url: str) -> None:
    """A status is an answer, whatever it is; a refused connection is a failure."""
    good, bad, refused = FromHere(timeout_seconds=5).run(
        [Request(target=f"{url}/x"), Request(target=f"{url}/bad"), Request(target=closed_url)]
    )
    assert (good.status, good.body, str(good)) == (200, '"Auth Code: 1234"', '200 "Auth Code: 1234"')
    assert bad.status == 400
    assert refused.failure is Failure.REFUSED


def test_a_silent_server_times_out() -> None:
    """It accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (answer,) = FromHere(timeout_seconds=0.2).run(
            [Request(target=f"http://127.0.0.1:{silent.getsockname()[1]}/")]
        )
    assert answer.failure is Failure.TIMEOUT


LOG = """\
--- request 0
Connecting to 10.244.2.3 (10.244.2.3:80)
  HTTP/1.1 200 OK
  Content-Type: application/json

saving to '/probe/body'
body                 100% |****|    17  0:00:00 ETA
--- body
"Auth Code: 6868"
--- exit 0
--- request 1
wget: can't connect to remote host (10.96.3.4): Connection refused
--- body

--- exit 1
--- request 2
Server:\t\t10.96.0.10
Address:\t10.96.0.10:53

Name:\tccauth.microcosm.svc.cluster.local
Address: 10.96.3.4

--- body

--- exit 0
--- request 3
Terminated
timed out
--- body

--- exit 143
"""
REQUESTS = [
    Request(target="http://a"),
    Request(target="http://b"),
    Request(target="c", dns=True),
    Request(target="http://d"),
]


def test_a_probe_pods_log_holds_an_answer_for_each_request() -> None:
    """Status and body, failure, addresses (not the DNS server's own), timeout."""
    got, refused, named, silent = probe_pod.parse_log(LOG, REQUESTS)
    assert got == Answer(status=200, body='"Auth Code: 6868"')
    assert refused.failure is Failure.REFUSED
    assert named == Answer(body="10.96.3.4")
    assert silent.failure is Failure.TIMEOUT


class Pods:
    """Runs no pod, answers with a log."""

    def __init__(self, log: str) -> None:
        self.log = log
        self.manifests: list[dict[str, Any]] = []

    def run_to_end(self, manifest: dict[str, Any], seconds: float) -> str:
        self.manifests.append(manifest)
        return self.log


def test_all_requests_of_a_pod_go_in_one_and_a_cut_log_is_no_answer() -> None:
    """A pod that died halfway is an error, not a shorter list."""
    pods = Pods(LOG)
    assert len(probe_pod.FromLinuxPod(pods=pods, namespace="microcosm", node="linux-0").run(REQUESTS)) == 4
    assert len(pods.manifests) == 1
    pods.log = LOG[:200]
    with pytest.raises(OperatorError, match="answered 0 of 4 requests"):
        probe_pod.FromLinuxPod(pods=pods, namespace="microcosm", node="linux-0").run(REQUESTS)


def test_the_probe_pod_can_do_nothing_but_ask() -> None:
    """No root, no privilege, no token, a read-only root, an end, and the URLs as arguments only."""
    hostile = Request(target="http://x/$(id)`id`;'\"")
    spec = probe_pod.pod_manifest("microcosm", "linux-0", [hostile], 8)["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["activeDeadlineSeconds"] <= 600
    assert container["image"] == "docker.io/library/busybox:1.37"
    assert container["command"] == ["/bin/sh", "-c", probe_pod.SCRIPT, "probe", "get", hostile.target]


BUSYBOX = shutil.which("busybox")


def tolerates(toleration: dict[str, str], taint: dict[str, str]) -> bool:
    """Kubernetes' rule (k8s.io/api v0.35.8, core/v1/toleration.go, ToleratesTaint)."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


@pytest.mark.parametrize(
    "taint",
    [
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
        {"key": "dedicated", "value": "ci", "effect": "NoSchedule"},
        {"key": "dedicated", "value": "ci", "effect": "NoExecute"},
    ],
    ids=lambda taint: f"{taint['key']}:{taint['effect']}",
)
def test_the_probe_pod_runs_on_the_node_that_was_picked_whatever_its_taints(taint: dict[str, str]):
    """`nodePools` has `taints`: without tolerations the pod could stay Pending on the only Linux pool."""
    tolerations = probe_pod.pod_manifest("microcosm", "ci-0", [], 8)["spec"]["tolerations"]
    assert any(tolerates(toleration, taint) for toleration in tolerations)


@pytest.mark.skipif(BUSYBOX is None, reason="needs busybox")
def test_the_script_runs_under_busybox_itself(tmp_path: Path, url: str, closed_url: str) -> None:
    """The very script of the pod, with the very programs of its image, against a real server."""
    for program in ("wget", "nslookup", "timeout", "head", "rm"):
        (tmp_path / program).symlink_to(BUSYBOX or "")
    requests = [
        Request(target=f"{url}/x"),
        Request(target=f"{url}/bad"),
        Request(target=closed_url),
        Request(target="http://$(touch pwned)/"),
    ]
    command = probe_pod.pod_manifest("microcosm", "linux-0", requests, 5)["spec"]["containers"][0]["command"]
    environment = {"PATH": str(tmp_path), "TIMEOUT": "5", "SCRATCH": str(tmp_path)}
    done = subprocess.run(
        [BUSYBOX or "", "sh", *command[1:]],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    good, bad, refused, odd = probe_pod.parse_log(done.stdout, requests)
    assert (good.status, good.body) == (200, '"Auth Code: 1234"')
    assert bad.status == 400
    assert refused.failure is Failure.REFUSED
    assert odd.failure is not None
    assert not os.path.exists(tmp_path / "pwned")


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ('{"status":200,"body":"<html>"}\r\n', Answer(status=200, body="<html>")),
        ('{"status":404,"body":""}', Answer(status=404)),
        (
            '{"failure":"The operation has timed out."}',
            Answer(failure=Failure.TIMEOUT, detail="The operation has timed out."),
        ),
        (
            "powershell.exe : not recognized",
            Answer(failure=Failure.OTHER, detail="powershell.exe : not recognized"),
        ),
        ("", Answer(failure=Failure.OTHER)),
    ],
)
def test_a_windows_pods_answer_is_one_line_of_json(output: str, answer: Answer) -> None:
    """Whatever else PowerShell prints is its failure."""
    assert windows_exec.parse(output) == answer


class Exec:
    """Runs nothing, remembers what it was asked to run."""

    def __init__(self) -> None:
        self.commands: list[Sequence[str]] = []

    def exec_in_pod(self, namespace: str, pod: str, command: Sequence[str], seconds: float) -> str:
        self.commands.append(command)
        return '{"status":200,"body":"ok"}'


def test_a_url_is_a_literal_for_powershell() -> None:
    """Single quotes are doubled, so nothing in a URL is ever run."""
    pods = Exec()
    (answer,) = windows_exec.FromWindowsPod(pods=pods, namespace="microcosm", pod="ccauth-1").run(
        [Request(target="http://x/'; Stop-Computer; '$(1)")]
    )
    assert answer.status == 200
    assert pods.commands[0][-1].endswith("-Url 'http://x/''; Stop-Computer; ''$(1)' -Seconds 15")


def test_a_typographic_quote_in_a_url_does_not_end_the_literal() -> None:
    """PowerShell accepts U+2019 as a single quote (about_Quoting_Rules), so it is doubled too."""
    command = windows_exec.command("http://x/\u2019; Stop-Computer; \u2019", 15)[-1]
    assert command.endswith("-Url 'http://x/\u2019\u2019; Stop-Computer; \u2019\u2019' -Seconds 15")
