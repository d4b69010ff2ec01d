"""The checks of the scenario own-image can fail."""

from types import SimpleNamespace

import pytest

from rehearsal.scenarios import checks, own_image
from rehearsal.scenarios.checks import CheckFailed

BEFORE = {"default/greeting": 1, "kube-system/coredns": 1}


def replaced(monkeypatch, after):
    """Play the step that replaces the image; the generations of Deployments are these before and after it."""
    generations = iter([BEFORE, after])
    monkeypatch.setattr(own_image, "_generations", lambda run: next(generations))
    monkeypatch.setattr(own_image, "_msi", lambda folder: folder)
    monkeypatch.setattr(own_image, "_build", lambda run, source, tag: f"reg.example/greeting:{tag}")
    monkeypatch.setattr(own_image, "_answers", lambda run, expected: expected)
    state = type("State", (), {"__truediv__": lambda self, name: name})()
    session = SimpleNamespace(state=state, run=lambda *words: "")
    return own_image.from_msi(SimpleNamespace(session=session))


def test_a_second_image_may_change_its_own_deployment_alone(monkeypatch):
    assert "default/greeting changed" in replaced(monkeypatch, {**BEFORE, "default/greeting": 2})
    with pytest.raises(CheckFailed, match="changed are default/greeting, kube-system/coredns"):
        replaced(monkeypatch, {"default/greeting": 2, "kube-system/coredns": 2})
    with pytest.raises(CheckFailed, match="changed are none"):
        replaced(monkeypatch, BEFORE)


def test_another_answer_than_the_services_own_fails(monkeypatch):
    monkeypatch.setattr(own_image, "_ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(own_image.time, "sleep", lambda seconds: None)
    service = '{"spec": {"clusterIP": "10.96.0.9"}}'
    session = SimpleNamespace(run=lambda *words, **more: "", output=lambda *words: service)
    run = SimpleNamespace(session=session, tell=None)
    monkeypatch.setattr(checks, "in_machine", lambda *words: '"Hello"')
    assert own_image._answers(run, "Hello") == '"Hello"'
    with pytest.raises(CheckFailed, match="answers '\"Hello\"', not 'Bye'"):
        own_image._answers(run, "Bye")


def test_a_password_in_a_log_fails_and_so_does_a_folder_without_logs(tmp_path):
    with pytest.raises(CheckFailed, match="there is none"):
        own_image._in_no_log(tmp_path)
    (tmp_path / "windows-0").mkdir()
    (tmp_path / "windows-0" / "kubelet.log").write_text("started\n")
    assert "none of 1 logs" in own_image._in_no_log(tmp_path)
    (tmp_path / "pulumi.log").write_text(f"Password={own_image.CANARY}\n")
    with pytest.raises(CheckFailed, match=r"is in pulumi\.log"):
        own_image._in_no_log(tmp_path)
