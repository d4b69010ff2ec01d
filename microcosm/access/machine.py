"""Find the machine of a node name and check that it can be entered; used by shell, rdp and logs."""

from collections.abc import Iterable, Sequence

from ..aws import machines as fleet
from ..aws.machines import Machine
from ..aws.session import Session
from ..errors import OperatorError, UsageError
from ..pulumi_cli.target import Target

RUNNING = "running"
ADVICE = {
    "pending": "it is still starting; try again in a minute",
    "stopping": "wait until it has stopped, then start it with `aws ec2 start-instances --instance-ids "
    "{instance}`",
    "stopped": "start it with `aws ec2 start-instances --instance-ids {instance}`",
}


def find(session: Session, target: Target, node: str) -> Machine:
    """Return the stack's newest machine of that node name, in any state; UsageError names the existing
    nodes.
    """
    machines_found = _machines(session, target)
    named = [machine for machine in machines_found if machine.node == node]
    if not named:
        names = _names(machines_found)
        raise UsageError(
            f"stack {target.stack} has no node {node!r} in {target.region}: its nodes are {names}"
        )
    return max(named, key=lambda machine: machine.launched)


def only_windows(session: Session, target: Target) -> Machine:
    """Return the stack's only Windows machine, for a command without a node name."""
    machines_found = [machine for machine in _machines(session, target) if machine.family == "windows"]
    names = dict.fromkeys(machine.node for machine in machines_found)
    if not names:
        raise UsageError(
            f"stack {target.stack} has no Windows node in {target.region}: for a Linux node use `microcosm "
            f"shell`"
        )
    if len(names) > 1:
        raise UsageError(
            f"stack {target.stack} has several Windows nodes: name one of {_names(machines_found)}"
        )
    return max(machines_found, key=lambda machine: machine.launched)


def require_running(machine: Machine) -> Machine:
    """Return the machine if it is running; OperatorError says how to start it."""
    if machine.state != RUNNING:
        advice = ADVICE.get(machine.state, "it cannot be entered").format(instance=machine.instance)
        raise OperatorError(f"{machine.node} ({machine.instance}) is {machine.state}: {advice}")
    return machine


def _machines(session: Session, target: Target) -> Sequence[Machine]:
    found = fleet.machines(session, target.stack)
    if not found:
        raise OperatorError(
            f"stack {target.stack} has no machines in {target.region}: is it up, and is this the right "
            f"region and account?"
        )
    return found


def _names(machines: Iterable[Machine]) -> str:
    return ", ".join(dict.fromkeys(machine.node for machine in machines))
