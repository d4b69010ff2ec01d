"""The checks that judge what a machine says, on what it could say."""

import json
import os
import socket
import struct
import subprocess
import sys
from types import SimpleNamespace

import pytest

from rehearsal.scenarios import checks


@pytest.fixture
def said(monkeypatch):
    """What the machine answers instead of being asked."""
    answers: list[str] = []
    monkeypatch.setattr(checks, "in_machine", lambda session, node, *command: answers[0])
    return answers


def test_pods_that_get_no_answer_get_no_credentials(said):
    said.append("machine 200\ncni-1 000\ncni-2 000\n")
    found = checks.no_credentials_for_pods(None, "linux-0")
    assert (
        found
        == "linux-0 gets a token of the metadata service, its 2 pods with a network of their own get none"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("machine 200\ncni-1 000\ncni-2 200\n", r"pods on linux-0 reach the token .*: cni-2 \(200\)"),
        ("machine 200\ncni-1 403\n", r"cni-1 \(403\)"),
        ("machine 000\ncni-1 000\n", "proves nothing"),
        ("cni-1 000\n", "proves nothing"),
        ("machine 200\n", "has no pod"),
    ],
)
def test_anything_else_fails(said, answer, words):
    """Also what would hold for a machine that nobody can ask from."""
    said.append(answer)
    with pytest.raises(checks.CheckFailed, match=words):
        checks.no_credentials_for_pods(None, "linux-0")


def test_the_question_is_asked_from_the_machine_and_from_every_pod(tmp_path):
    """The script itself, run by bash with stand-ins for ip and curl: pods get no answer here, and one
    namespace is no pod's.
    """
    stand_ins = {
        "ip": 'case "$1 $2" in "netns list") printf "cni-a (id: 0)\\ncni-b (id: 1)\\nother\\n" ;; *) shift '
        '3; INSIDE=1 exec "$@" ;; esac',
        "curl": '[ -z "$INSIDE" ] && printf 200 && exit; printf 000; exit 28',
    }
    for name, text in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(["bash", "-c", checks._TOKENS], env={"PATH": path}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("machine 200\ncni-a 000\ncni-b 000\n", "")
    assert done.returncode == 0


@pytest.fixture
def session(monkeypatch):
    """A session whose cluster DNS has an address, with two Linux nodes and the stand-in."""
    monkeypatch.setattr(checks, "nodes_are_ready", lambda session: ["control-plane", "linux-0", "windows-0"])
    return SimpleNamespace(output=lambda *command: json.dumps({"spec": {"clusterIP": "10.96.0.10"}}))


def test_cluster_dns_is_asked_from_every_linux_machine(said, session):
    said.append("0 1\n")
    assert checks.dns_answers(session) == "cluster DNS answers control-plane, linux-0"


@pytest.mark.parametrize("answer", ["2 0", "0 0", "3 0"])
def test_an_answer_without_an_address_fails(said, session, answer):
    said.append(answer)
    with pytest.raises(
        checks.CheckFailed, match=f"answers control-plane with code {answer[0]} and {answer[2]} addresses"
    ):
        checks.dns_answers(session)


def test_the_question_is_one_that_a_server_of_names_understands():
    """The script itself, against a socket that answers as CoreDNS does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        script = checks._DNS_QUESTION.replace(", 53)", f", {server.getsockname()[1]})")
        asking = subprocess.Popen(
            [sys.executable, "-c", script, "127.0.0.1"], stdout=subprocess.PIPE, text=True
        )
        question, client = server.recvfrom(512)
        name = b"\x0akubernetes\x07default\x03svc\x07cluster\x05local\0"
        assert question == struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)
        server.sendto(struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0) + question[12:], client)
        assert asking.communicate(timeout=10)[0] == "0 1\n"


def test_a_pod_that_began_before_the_lease_fails_the_run(said, session):
    line = (
        'kubelet E1 pod_workers.go: "failed to setup network: flanneld has no lease yet; open '
        '/run/flannel/subnet.env: no such file or directory"'
    )
    said.append(f"I1 kubelet started\n{line}\n")
    with pytest.raises(
        checks.CheckFailed, match="1 times a pod on control-plane began before flanneld had its lease"
    ):
        checks.every_pod_met_a_lease(session)


def test_a_journal_without_kubelet_proves_nothing(said, session):
    said.append("-- No entries --\n")
    with pytest.raises(checks.CheckFailed, match="proves nothing"):
        checks.every_pod_met_a_lease(session)


def test_kubelets_that_met_a_lease_each_time_pass(said, session):
    said.append("I1 kubelet started\n")
    assert checks.every_pod_met_a_lease(session).startswith("the kubelets of control-plane, linux-0")
