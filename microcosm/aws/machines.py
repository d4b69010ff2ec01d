"""Read a stack's machines from EC2 and their status reports from Systems Manager."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.config.naming import CONTROL_PLANE, NODE_TAG, OS_TAG, STACK_TAG, Names, family
from infra.node import report
from infra.node.report import Report

from ..errors import OperatorError
from .session import Session, pages, stack_filter, tags_of

ALIVE = ("pending", "running", "stopping", "stopped")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """An instance of the stack that is not terminated."""

    node: str
    os: str
    instance: str
    state: str
    launched: float
    type: str = ""

    @property
    def family(self) -> str:
        """Return linux or windows."""
        return family(self.os)


def machines(session: Session, stack: str) -> list[Machine]:
    """List the stack's machines that are not terminated, by node name."""
    filters = [*stack_filter(STACK_TAG, stack), {"Name": "instance-state-name", "Values": [*ALIVE]}]
    reservations = pages(session.client("ec2"), "describe_instances", "Reservations", Filters=filters)
    found = [_machine(entry) for reservation in reservations for entry in reservation["Instances"]]
    return sorted(found, key=lambda machine: (machine.node, machine.launched))


def _machine(entry: Mapping[str, Any]) -> Machine:
    tags = tags_of(entry)
    instance = str(entry["InstanceId"])
    return Machine(
        node=tags.get(NODE_TAG) or instance,
        os=tags.get(OS_TAG, ""),
        instance=instance,
        state=str(entry["State"]["Name"]),
        launched=entry["LaunchTime"].timestamp(),
        type=str(entry.get("InstanceType", "")),
    )


def control_plane(session: Session, stack: str, region: str) -> Machine:
    """Return the running control plane of the stack."""
    candidates = [machine for machine in machines(session, stack) if machine.node == CONTROL_PLANE]
    if not candidates:
        raise OperatorError(
            f"stack {stack} has no control plane in {region}: check that it is up, and the region and the "
            f"account"
        )
    newest = max(candidates, key=lambda machine: machine.launched)
    if newest.state not in ("pending", "running"):
        instance = f"the control plane of {stack}, {newest.instance},"
        raise OperatorError(f"{instance} is {newest.state}: start it, or run `pulumi up`")
    return newest


def reports(session: Session, stack: str) -> dict[str, Report | None]:
    """Return the last report of every declared node; None for a node that has not reported yet."""
    root = Names(stack=stack).parameter("status")
    found = pages(session.client("ssm"), "get_parameters_by_path", "Parameters", Path=root, Recursive=True)
    return report.parameters(root, found)


def own_report(machine: Machine, found: Report | None) -> Report | None:
    """Return the report if it belongs to this machine and not to an earlier one of the same name."""
    return report.of_instance(found, machine.instance, machine.launched)
