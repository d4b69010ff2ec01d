"""Test that a simulated machine registers the Node of its user-data, as the program renders it."""

import base64
import shlex
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.node import script_inputs
from rehearsal.simulated.birth import NodeInstance, node_object, shell_value
from rehearsal.simulated.machines import report
from tests.support.stacks import parsed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONFIG = parsed("many-pools")
KNOWN = {"region": "eu-west-1", "control_plane_id": "i-0"}


def machine(node: str, os: str) -> NodeInstance:
    return NodeInstance(instance="i-1", stack="dev", node=node, os=os, private_ip="10.0.0.9")


def pool(name: str):
    return next(pool for pool in CONFIG.node_pools if pool.name == name)


def linux_worker(node: str) -> bytes:
    return base64.b64decode(script_inputs.worker(CONFIG, pool(node.rpartition("-")[0]), node, **KNOWN))


def test_a_linux_worker_has_the_labels_and_taints_of_its_pool():
    node = node_object(machine("ci-0", "ubuntu-24.04"), linux_worker("ci-0"), NOW)
    assert node["metadata"]["name"] == "ci-0"
    assert (
        node["metadata"]["labels"].items()
        >= {"team": "payments", "kubernetes.io/os": "linux", "microcosm.dev/stand-in": "true"}.items()
    )
    assert node["spec"]["taints"] == [{"key": "dedicated", "value": "ci", "effect": "NoSchedule"}]


def test_a_windows_worker_has_the_taint_and_the_build_that_workloads_ask_for():
    user_data = script_inputs.worker(
        CONFIG, pool("windows-new"), "windows-new-0", script=script_inputs.SCRIPT, **KNOWN
    ).encode()
    node = node_object(machine("windows-new-0", "windows-2025"), user_data, NOW)
    assert node["metadata"]["labels"]["node.kubernetes.io/windows-build"] == "10.0.26100"
    assert node["spec"]["taints"] == [{"key": "os", "value": "windows", "effect": "NoSchedule"}]


def test_the_control_plane_takes_no_workloads():
    user_data = base64.b64decode(
        script_inputs.control_plane(CONFIG, region="eu-west-1", public_ip="203.0.113.1")
    )
    node = node_object(machine("control-plane", "ubuntu-24.04"), user_data, NOW)
    assert node["spec"]["taints"] == [
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    ]


def test_a_node_says_that_it_is_a_stand_in_and_ready():
    node = node_object(machine("linux-0", "ubuntu-24.04"), linux_worker("linux-0"), NOW)
    assert "stand-in" in node["metadata"]["annotations"]["microcosm.dev/stand-in"]
    assert "stand-in" in node["status"]["nodeInfo"]["osImage"]
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "True"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1))
def test_a_quoted_value_is_read_as_a_shell_reads_it(text):
    assert (
        shell_value(f"#!/bin/bash\nOTHER='x'\nVALUE={shlex.quote(text)}\nrest \"of\" 'it'\n", "VALUE") == text
    )


def test_user_data_without_the_variable_is_refused():
    with pytest.raises(ValueError, match="does not assign KUBEADM_CONFIG"):
        shell_value("#!/bin/bash\n", "KUBEADM_CONFIG")


@pytest.mark.parametrize(
    ("node", "os"),
    [("control-plane", "ubuntu-24.04"), ("linux-0", "ubuntu-24.04"), ("windows-0", "windows-2019")],
)
def test_a_report_is_one_that_the_gate_takes_for_ready(node, os):
    written = report(machine(node, os), 1)
    assert (written["instance"], written["node"], written["phase"], written["result"]) == (
        "i-1",
        node,
        "ready",
        "ok",
    )
    assert list(written["phases"])[-1] == "ready"
