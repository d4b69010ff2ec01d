"""Test that the kubeconfig of a rehearsal follows the published one, also in `make shell` as the README
says.
"""

import json
import shutil
import time
from types import SimpleNamespace

import pytest

import rehearsal.__main__ as command
from rehearsal import kubeconfig, runs
from rehearsal.simulated import simulated_world
from rehearsal.simulated.servers import PROGRAMS
from rehearsal.waiting import poll

PLACEHOLDER = "pending"
MISSING = [
    name for name in ("kubectl", "pulumi", "pulumi-resource-kubernetes", *PROGRAMS) if not shutil.which(name)
]


class Parameters:
    """An SSM client with one parameter or none."""

    class exceptions:
        class ParameterNotFound(Exception):
            """The parameter does not exist."""

    def __init__(self):
        self.value = None

    def get_parameter(self, *, Name, WithDecryption):
        assert (Name, WithDecryption) == ("/microcosm/dev/kubeconfig", True)
        if self.value is None:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self.value}}


def published(text):
    return json.dumps({"instance": "i-1", "kubeconfig": text})


def eventually(condition):
    assert poll(condition, 10)


def test_the_file_follows_the_parameter_from_the_placeholder_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(kubeconfig, "POLL_SECONDS", 0.01)
    path, ssm = tmp_path / "kubeconfig", Parameters()
    with kubeconfig.followed(ssm, "dev", path):
        ssm.value = PLACEHOLDER
        time.sleep(0.1)
        assert not path.exists()
        ssm.value = published("first")
        eventually(lambda: path.exists() and path.read_text() == "first")
        assert path.stat().st_mode & 0o777 == 0o600, "it holds the administrator's key"
        ssm.value = published("second")
        eventually(lambda: path.read_text() == "second")
        ssm.value = None
        eventually(lambda: not path.exists())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.engine
@pytest.mark.skipif(
    bool(MISSING), reason=f"not on PATH: {', '.join(MISSING)}; put the rehearsal's tools there"
)
def test_in_the_shell_plain_kubectl_works_after_plain_pulumi_up(tmp_path, monkeypatch):
    """README.md: `pulumi preview|up|destroy` and `kubectl` work without further options in `make shell`."""
    shell = tmp_path / "shell"
    commands = "pulumi preview && pulumi up --yes --skip-preview && kubectl get nodes --output=name >nodes"
    shell.write_text(f"#!/bin/sh\nset -e\n{commands}\npulumi destroy --yes --skip-preview\n")
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    with simulated_world(tmp_path) as world:
        path = tmp_path / "kubeconfig"
        environment = {**world.stack.environment, "KUBECONFIG": str(path), "PULUMI_STACK": world.stack.stack}
        session = SimpleNamespace(
            project=world.stack.folder,
            environment=environment,
            kubeconfig=path,
            client=lambda service: world.session().client(service, endpoint_url=world.cloud.endpoint),
        )
        monkeypatch.setattr(runs, "STACK", world.stack.stack)
        command._run_shell(session)
    nodes = (world.stack.folder / "nodes").read_text().split()
    assert nodes == ["node/control-plane", "node/linux-0", "node/windows-0"]
