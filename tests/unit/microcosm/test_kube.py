"""The Kubernetes API through the official client: the probe pod's whole life, and kubeconfig files."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from microcosm.errors import OperatorError, UsageError
from microcosm.kubernetes import client as kube
from microcosm.kubernetes.client import Kube

MANIFEST = {"metadata": {"name": "probe", "namespace": "microcosm"}}


class Core:
    """Answers like CoreV1Api; a pod goes through the given phases, one a look."""

    def __init__(self, *phases: str, log: str | ApiException = "the log") -> None:
        self.phases = list(phases)
        self.log = log
        self.calls: list[str] = []

    def create_namespaced_pod(self, namespace: str, body: Any, **_: Any) -> None:
        self.calls.append("create")

    def read_namespaced_pod(self, name: str, namespace: str, **_: Any) -> dict[str, Any]:
        phase = self.phases.pop(0) if len(self.phases) > 1 else self.phases[0]
        waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
        return {"status": {"phase": phase, "containerStatuses": [waiting]}}

    def read_namespaced_pod_log(self, name: str, namespace: str, **_: Any) -> str:
        if isinstance(self.log, ApiException):
            raise self.log
        return self.log

    def delete_namespaced_pod(self, name: str, namespace: str, **_: Any) -> None:
        self.calls.append("delete")
        raise ApiException(status=404, reason="it is gone already")

    def list_node(self, **_: Any) -> Any:
        return SimpleNamespace(items=[{"metadata": {"name": "linux-0"}}])


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other at once."""
    monkeypatch.setattr("microcosm.kubernetes.client.time.sleep", lambda seconds: None)


def through(core: Core) -> Kube:
    return Kube(core, None, lambda entry: entry)


def test_a_pod_is_run_to_its_end_read_and_deleted() -> None:
    """In that order."""
    core = Core("Pending", "Running", "Succeeded")
    assert through(core).run_to_end(MANIFEST, 60) == "the log"
    assert core.calls == ["create", "delete"]


def test_a_pod_that_does_not_end_is_deleted_and_its_reason_told() -> None:
    """Whatever it hangs on is the message."""
    core = Core("Pending")
    with pytest.raises(OperatorError, match="did not end within 0 s: ImagePullBackOff"):
        through(core).run_to_end(MANIFEST, 0)
    assert core.calls == ["create", "delete"]


def test_a_pod_is_deleted_even_when_its_log_cannot_be_read() -> None:
    """The error is the one of the log."""
    core = Core("Succeeded", log=ApiException(status=500, reason="no log"))
    with pytest.raises(ApiException, match="no log"):
        through(core).run_to_end(MANIFEST, 60)
    assert core.calls == ["create", "delete"]


def test_a_pod_that_is_not_admitted_says_why() -> None:
    """In the API server's own words, which are inside its answer."""
    core = Core("x")
    refusal = ApiException(status=403, reason="Forbidden")
    refusal.body = '{"message": "violates PodSecurity"}'

    def refuse(*_: Any, **__: Any) -> None:
        raise refusal

    core.create_namespaced_pod = refuse  # type: ignore[method-assign]
    with pytest.raises(OperatorError, match="the probe pod cannot be created: violates PodSecurity"):
        through(core).run_to_end(MANIFEST, 60)


def test_lists_are_plain_json() -> None:
    """The pure functions see what kubectl would print."""
    assert through(Core("x")).nodes() == [{"metadata": {"name": "linux-0"}}]


@pytest.mark.parametrize("content", [None, "a: [", "- 1", "contexts: []\ncurrent-context: x\n"])
def test_a_kubeconfig_that_cannot_be_used_is_named(content: str | None, tmp_path: Path) -> None:
    """Missing, broken, of another kind, or without the context it names."""
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="kubeconfig"):
        kube.connect(kube.read_kubeconfig(path))
