"""Which machine a node's name means, and whether one can get in: the ground of shell, rdp and logs."""

from collections.abc import Iterable, Sequence

from . import fleet
from .aws import Session
from .errors import OperatorError, UsageError
from .fleet import Machine
from .target import Target

RUNNING = "running"
ADVICE = {
    "pending": "it is still starting: try again in a minute",
    "stopping": "wait until it has stopped, then start it with `aws ec2 start-instances --instance-ids {instance}`",
    "stopped": "start it with `aws ec2 start-instances --instance-ids {instance}`",
}


def find(session: Session, target: Target, node: str) -> Machine:
    """The stack's newest machine of that node name, running or not; UsageError names the nodes that there are."""
    everyone = _machines(session, target)
    named = [machine for machine in everyone if machine.node == node]
    if not named:
        raise UsageError(f"stack {target.stack} has no node {node!r} in {target.region}: its nodes are {_names(everyone)}")
    return max(named, key=lambda machine: machine.launched)


def only_windows(session: Session, target: Target) -> Machine:
    """The stack's one Windows machine, for a command that was given no name."""
    everyone = [machine for machine in _machines(session, target) if machine.family == "windows"]
    names = dict.fromkeys(machine.node for machine in everyone)
    if not names:
        raise UsageError(f"stack {target.stack} has no Windows node in {target.region}: Linux nodes are entered with `microcosm shell`")
    if len(names) > 1:
        raise UsageError(f"which node? stack {target.stack} has several with Windows: name one of {_names(everyone)}")
    return max(everyone, key=lambda machine: machine.launched)


def require_running(machine: Machine) -> Machine:
    """The machine, if anybody can be let into it."""
    if machine.state != RUNNING:
        advice = ADVICE.get(machine.state, "it cannot be entered").format(instance=machine.instance)
        raise OperatorError(f"{machine.node} ({machine.instance}) is {machine.state}: {advice}")
    return machine


def _machines(session: Session, target: Target) -> Sequence[Machine]:
    found = fleet.machines(session, target.stack)
    if not found:
        raise OperatorError(f"stack {target.stack} has no machines in {target.region}: is it up, and is this the right region and account?")
    return found


def _names(machines: Iterable[Machine]) -> str:
    return ", ".join(dict.fromkeys(machine.node for machine in machines))
