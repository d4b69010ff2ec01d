"""tools/flannel-cni, the stand-in for flannel's CNI plugin, in network namespaces of its own (marker
`machine`).
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.build import ensure

pytestmark = pytest.mark.machine

LEASE = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
Plugin = Callable[[str, dict[str, Any]], subprocess.CompletedProcess[str]]


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    node, pod = "cni-test-node", "cni-test-pod"
    for name in (node, pod):
        subprocess.run(["ip", "netns", "add", name], check=True)
    yield node, pod
    for name in (node, pod):
        subprocess.run(["ip", "netns", "delete", name], check=True)
    shutil.rmtree(
        "/var/lib/cni/networks/cni-test", ignore_errors=True
    )  # where host-local remembers the last address


@pytest.fixture
def plugin(tmp_path: Path, namespaces: tuple[str, str]) -> Plugin:
    node, pod = namespaces
    built = ensure().bin
    for name in ("bridge", "host-local"):
        (tmp_path / name).symlink_to(built / name)
    environment = {
        "CNI_CONTAINERID": "c1",
        "CNI_NETNS": f"/run/netns/{pod}",
        "CNI_IFNAME": "eth0",
        "CNI_PATH": str(tmp_path),
        "PATH": "/usr/sbin",
    }

    def run(command: str, conf: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        words = ["/usr/sbin/ip", "netns", "exec", node, built / "flannel-cni"]
        return subprocess.run(
            words,
            env={**environment, "CNI_COMMAND": command},
            input=json.dumps(conf),
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def conf(tmp_path: Path) -> dict[str, Any]:
    """What infra/flannel.py configures, with the plugin's files in the test's folder."""
    (tmp_path / "subnet.env").write_text(LEASE)
    return {
        "name": "cni-test",
        "cniVersion": "1.0.0",
        "type": "flannel",
        "subnetFile": str(tmp_path / "subnet.env"),
        "dataDir": str(tmp_path / "data"),
        "delegate": {"hairpinMode": True, "isDefaultGateway": True},
    }


def in_namespace(name: str, *command: str) -> str:
    return subprocess.run(
        ["ip", "netns", "exec", name, *command], capture_output=True, text=True, check=True
    ).stdout


def test_a_pod_gets_an_address_of_the_lease_and_the_bridge_as_its_gateway(
    plugin: Plugin, conf: dict[str, Any], namespaces: tuple[str, str]
):
    result = json.loads(plugin("ADD", conf).stdout)
    node, pod = namespaces
    try:
        assert result["ips"][0]["address"].startswith("10.244.3.")
        assert result["ips"][0]["gateway"] == "10.244.3.1"
        assert "default via 10.244.3.1" in in_namespace(pod, "ip", "route")
        assert "10.244.0.0/16 via 10.244.3.1" in in_namespace(pod, "ip", "route"), (
            "other nodes' pods are reached through the bridge"
        )
        assert "mtu 1450" in in_namespace(pod, "ip", "link", "show", "eth0"), "a packet must fit into VXLAN"
        assert "hairpin on" in in_namespace(node, "bridge", "-details", "link", "show"), (
            "a pod reaches itself through its Service"
        )
        assert plugin("CHECK", {**conf, "prevResult": result}).returncode == 0
    finally:
        assert plugin("DEL", conf).returncode == 0
    assert "eth0" not in in_namespace(pod, "ip", "link")


def test_a_pod_may_be_removed_twice_and_after_the_lease_changed(
    plugin: Plugin, conf: dict[str, Any], tmp_path: Path
):
    assert plugin("ADD", conf).returncode == 0
    (tmp_path / "subnet.env").unlink()
    assert plugin("DEL", conf).returncode == 0
    assert plugin("DEL", conf).returncode == 0


def test_without_a_lease_kubelet_is_told_to_try_again(plugin: Plugin, conf: dict[str, Any], tmp_path: Path):
    (tmp_path / "subnet.env").unlink()
    failed = plugin("ADD", conf)
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["code"] == 11, "ErrTryAgainLater"


def test_it_says_that_it_is_a_stand_in():
    said = subprocess.run(
        [ensure().bin / "flannel-cni"], capture_output=True, text=True, stdin=subprocess.DEVNULL, env={}
    )
    assert "stand-in" in said.stderr + said.stdout
