"""Test the parts of the check under Wine that need no Wine."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.node import userdata
from rehearsal.windows_node.inputs import NodeInputs
from rehearsal.wine.computer import Process
from rehearsal.wine.errors import WineError
from rehearsal.wine.join import check_node
from rehearsal.wine.subject import WindowsNode

JOIN = {"endpoint": "10.0.0.4:6443", "token": "abcdef.0123456789abcdef", "caCertHash": "sha256:ab"}


def windows_node(**changes: str) -> WindowsNode:
    template = userdata.kubeadm_join(
        node_name="windows-0",
        family="windows",
        labels={"pool": "windows-0"},
        taints=[],
        ignore_preflight_errors=[],
    )
    texts = {
        "stack": "dev",
        "node_name": "windows-0",
        "control_plane_id": "i-0",
        "kubernetes_version": "1.35.8",
        "containerd_version": "2.2.7",
        "join_configuration": template,
        "flannel_backend": "vxlan",
        "flannel_net_conf": "{}",
        "script_bucket": "b",
        "script_key": "k",
        "script_sha256": "0" * 64,
    }
    inputs = NodeInputs(images=(), **{**texts, **changes})
    return WindowsNode(
        name="windows-0",
        ip="10.0.0.6",
        namespace="ns",
        pod_cidr="10.244.1.0/24",
        inputs=inputs,
        join=JOIN,
        network_kubeconfig="",
    )


def node(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "system": "windows",
        "labels": {"kubernetes.io/os": "windows"},
        "taints": [
            {"key": "os", "value": "windows", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
        ],
    } | changes
    return {
        "metadata": {"labels": parts["labels"]},
        "spec": {"taints": parts["taints"]},
        "status": {
            "nodeInfo": {
                "operatingSystem": parts["system"],
                "architecture": "amd64",
                "kubeletVersion": "v1.35.8",
            }
        },
    }


def test_a_joinconfiguration_without_the_name_is_refused():
    with pytest.raises(WineError, match=r'has "name": "windows-0" 0 times'):
        _ = windows_node(join_configuration="kind: JoinConfiguration").join_configuration


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            node(taints=[{"key": "os", "value": "windows", "effect": "NoExecute"}]),
            "without os=windows:NoSchedule",
        ),
        (node(system="linux"), "whose system is linux"),
        (
            node(labels={"kubernetes.io/os": "windows", "new.example/label": "x"}),
            r"lacks labels .* new\.example/label",
        ),
    ],
)
def test_a_node_that_is_not_is_refused(made: dict[str, Any], says: str):
    with pytest.raises(WineError, match=says):
        check_node(windows_node(), made, node())


@pytest.fixture
def process(tmp_path: Path):
    """Start Python in place of a Windows program."""

    def start(code: str) -> Process:
        log = tmp_path / "log"
        with log.open("wb") as output:
            return Process(
                "x.exe", subprocess.Popen([sys.executable, "-c", code], stdout=output, stderr=output), log
            )

    return start


def test_a_program_that_ends_without_it_is_quoted(process):
    with pytest.raises(
        WineError, match=r"(?s)x\.exe ended with exit code 3 without printing /two/.*it broke"
    ):
        process("print('it broke'); raise SystemExit(3)").wait_for("two", 10)


def test_a_refused_flag_goes_before_everything_else(process):
    """Go's flag package prints its usage after the error and exits with 0."""
    with pytest.raises(
        WineError, match=r"^x\.exe refuses its command line: flag provided but not defined: -y$"
    ):
        process("print('flag provided but not defined: -y'); print('usage\\n' * 50)").wait_for("two", 10)
