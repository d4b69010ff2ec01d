"""The checks that judge what a machine says, on what it could say."""

import json
from types import SimpleNamespace

import pytest

from rehearsal.scenarios import checks, secret_checks


@pytest.fixture
def said(monkeypatch):
    """The answers of a machine that is not asked."""
    answers: list[str] = []
    monkeypatch.setattr(checks, "in_machine", lambda session, node, *command: answers[0])
    return answers


def test_pods_that_get_no_answer_get_no_credentials(said):
    said.append("machine 200\ncni-1 000\ncni-2 000\n")
    found = secret_checks.no_credentials_for_pods(None, "linux-0")
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
        secret_checks.no_credentials_for_pods(None, "linux-0")


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
