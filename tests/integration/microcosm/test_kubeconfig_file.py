"""Kubeconfig files: private, whole at any moment, and shared with kubectl."""

import stat
from pathlib import Path

import pytest
import yaml

from microcosm.errors import OperatorError, UsageError
from microcosm.kubeconfig import command as kubeconfig_command
from microcosm.kubeconfig import document as kubeconfig
from microcosm.kubeconfig import file as kubeconfig_file

from .conftest import TARGET, Cloud
from .test_kubeconfig import NAME, OURS, published, rendezvous

USERS = """\
apiVersion: v1
kind: Config
clusters:
- name: prod
  cluster:
    server: https://prod.example:6443
    extensions:
    - name: last-update
      extension: 2020-01-01T00:00:00Z
contexts:
- name: prod
  context:
    cluster: prod
    user: prod
users:
- name: prod
  user:
    token: abc
current-context: prod
"""


@pytest.fixture
def users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own kubeconfig, found by KUBECONFIG."""
    path = tmp_path / "config"
    path.write_text(USERS)
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_merge_and_its_removal_leave_the_file_as_it_was(users_file: Path, cloud: Cloud) -> None:
    """Byte for byte, dates included, and readable by its owner alone; removing needs no AWS."""
    instance = cloud.machine("control-plane")
    cloud.client("ssm").put_parameter(
        Name="/microcosm/dev/kubeconfig", Value=rendezvous(instance), Type="SecureString"
    )
    done = kubeconfig_command.merge(cloud.session, TARGET, None, use=False)
    assert done == {"path": str(users_file), "context": NAME, "currentContext": "prod"}
    merged = yaml.safe_load(users_file.read_text())
    assert [entry["name"] for entry in merged["users"]] == ["prod", NAME]
    assert mode(users_file) == 0o600
    assert kubeconfig_command.remove(TARGET, None)["removed"] is True
    assert users_file.read_text() == USERS
    assert kubeconfig_command.remove(TARGET, None)["removed"] is False
    assert [path.name for path in users_file.parent.iterdir()] == ["config"]


def test_a_file_of_its_own_is_written_privately_and_outside_the_checkout(
    users_file: Path, cloud: Cloud
) -> None:
    """By default in ~/.kube, under the stack's name."""
    instance = cloud.machine("control-plane")
    cloud.client("ssm").put_parameter(
        Name="/microcosm/dev/kubeconfig", Value=rendezvous(instance), Type="SecureString"
    )
    path = Path(kubeconfig_command.write(cloud.session, TARGET, None)["path"])
    assert path == users_file.parent / ".kube" / "microcosm-dev.yaml"
    assert mode(path) == 0o600
    assert yaml.safe_load(path.read_text()) == OURS


def test_removing_from_a_file_that_does_not_exist_makes_none(tmp_path: Path) -> None:
    """There is nothing to take out."""
    assert kubeconfig_command.remove(TARGET, tmp_path / "none")["removed"] is False
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    """Many keep their kubeconfig in a dotfiles repository."""
    (tmp_path / "real").write_text(USERS)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    kubeconfig_file.edit(tmp_path / "link", lambda config: kubeconfig.merge(config, OURS, use=False))
    assert (tmp_path / "link").is_symlink()
    assert NAME in (tmp_path / "real").read_text()


@pytest.mark.parametrize("content", ["a: [", "\x00", "- 1", "clusters: 7"])
def test_a_file_that_is_not_understood_is_not_touched(content: str, tmp_path: Path) -> None:
    """Neither written nor left locked."""
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(UsageError, match="nothing was changed"):
        kubeconfig_file.edit(path, lambda config: kubeconfig.merge(config, OURS, use=False))
    assert path.read_text() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk loses nothing, and the lock is released."""
    path = tmp_path / "config"
    path.write_text(USERS)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(OperatorError, match="No space left on device"):
        kubeconfig_file.edit(path, lambda config: kubeconfig.merge(config, OURS, use=False))
    assert path.read_text() == USERS
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"], (
        "neither lock nor draft, which holds a key"
    )


def test_a_lock_of_kubectl_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never broken silently."""
    monkeypatch.setattr(kubeconfig_file, "LOCK_TIMEOUT_SECONDS", 0.05)
    lock = tmp_path / "config.lock"
    lock.touch()
    with pytest.raises(OperatorError, match=f"delete {lock}"):
        kubeconfig_file.edit(tmp_path / "config", lambda config: config)
    assert lock.exists()


def test_the_users_file_is_the_one_kubectl_would_write_to(tmp_path: Path) -> None:
    """The first existing one of KUBECONFIG, else its last, else ~/.kube/config."""
    first, second = tmp_path / "first", tmp_path / "second"
    environ = {"KUBECONFIG": f"{first}:{second}:"}
    assert kubeconfig_file.users_file(environ) == second
    second.touch()
    assert kubeconfig_file.users_file(environ) == second
    first.touch()
    assert kubeconfig_file.users_file(environ) == first
    assert kubeconfig_file.users_file({}) == Path.home() / ".kube" / "config"


def test_printing_is_possible_for_pipes(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o -` writes no file."""
    instance = cloud.machine("control-plane")
    cloud.client("ssm").put_parameter(
        Name="/microcosm/dev/kubeconfig", Value=rendezvous(instance, published()), Type="SecureString"
    )
    kubeconfig_command.write(cloud.session, TARGET, Path("-"))
    assert yaml.safe_load(capsys.readouterr().out) == OURS
