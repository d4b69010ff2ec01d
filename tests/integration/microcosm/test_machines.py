"""Machines as AWS knows them, and their own reports."""

import json

import pytest

from microcosm.aws import machines
from microcosm.errors import OperatorError

from .conftest import Cloud

REPORT = {
    "instance": "i-1",
    "node": "linux-0",
    "phase": "join",
    "result": "running",
    "detail": "waiting for the control plane",
    "phases": {"join": {"start": 30, "end": None}, "prepare": {"start": 10, "end": 30.5}},
}


def test_machines_are_those_of_this_stack_that_are_not_gone(cloud: Cloud) -> None:
    """Other stacks' machines and terminated ones are no part of it."""
    kept = cloud.machine("windows-0", "windows-2019")
    gone = cloud.machine("linux-0")
    cloud.client("ec2").terminate_instances(InstanceIds=[gone])
    other = cloud.client("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"][0][
        "InstanceId"
    ]
    found = machines.machines(cloud.session, "dev")
    assert [(machine.node, machine.instance, machine.family) for machine in found] == [
        ("windows-0", kept, "windows")
    ], (gone, other)


def test_reports_come_by_node_name(cloud: Cloud) -> None:
    """A declared node that has not spoken is there, too, with nothing to say."""
    cloud.parameter("status/linux-0", json.dumps(REPORT))
    cloud.parameter("status/linux-1", "pending")
    cloud.parameter("join", "not a status")
    found = machines.reports(cloud.session, "dev")
    assert found["linux-1"] is None
    assert found["linux-0"] is not None
    assert found["linux-0"].detail == "waiting for the control plane"
    assert set(found) == {"linux-0", "linux-1"}


def test_the_control_plane_must_exist_and_run(cloud: Cloud) -> None:
    """Without a living control plane there is nothing to talk to, and the error says which of the two it
    is.
    """
    with pytest.raises(OperatorError, match="no control plane in eu-west-1"):
        machines.control_plane(cloud.session, "dev", "eu-west-1")
    instance = cloud.machine("control-plane")
    assert machines.control_plane(cloud.session, "dev", "eu-west-1").instance == instance
    cloud.client("ec2").stop_instances(InstanceIds=[instance])
    with pytest.raises(OperatorError, match=f"{instance}, is stopped"):
        machines.control_plane(cloud.session, "dev", "eu-west-1")
