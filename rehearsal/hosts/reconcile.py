"""Derive the next action for each machine from the instances in AWS and the state of the machines. Pure."""

from collections.abc import Mapping
from enum import Enum, auto

from rehearsal.hosts.model import Instance


class Status(Enum):
    """The state of a machine."""

    ABSENT = auto()
    RUNNING = auto()
    OFF = auto()  # no process; the disk is kept
    ENDED = auto()  # it shut itself down
    BROKEN = auto()  # its process failed; in AWS the instance still runs
    BUSY = auto()  # an action is in progress


class Desired(Enum):
    """The desired state of a machine, from the state of its instance."""

    RUN = auto()
    OFF = auto()
    GONE = auto()


class Action(Enum):
    """An action on one machine."""

    BOOT = auto()
    POWER_OFF = auto()
    REMOVE = auto()
    REPORT_SHUTDOWN = auto()


_DESIRED = {
    "pending": Desired.RUN,
    "running": Desired.RUN,
    "stopping": Desired.OFF,
    "stopped": Desired.OFF,
    "shutting-down": Desired.GONE,
    "terminated": Desired.GONE,
}

_ACTIONS: dict[tuple[Desired, Status], Action] = {
    (Desired.RUN, Status.ABSENT): Action.BOOT,
    (Desired.RUN, Status.OFF): Action.BOOT,
    (Desired.RUN, Status.ENDED): Action.REPORT_SHUTDOWN,
    (Desired.OFF, Status.RUNNING): Action.POWER_OFF,
    (Desired.OFF, Status.ENDED): Action.POWER_OFF,
    (Desired.OFF, Status.BROKEN): Action.POWER_OFF,
    (Desired.GONE, Status.RUNNING): Action.REMOVE,
    (Desired.GONE, Status.OFF): Action.REMOVE,
    (Desired.GONE, Status.ENDED): Action.REMOVE,
    (Desired.GONE, Status.BROKEN): Action.REMOVE,
}


def desired_state(instance: Instance | None) -> Desired:
    """Return the desired state. An instance that AWS no longer lists was terminated."""
    return _DESIRED[instance.state] if instance else Desired.GONE


def reconcile(instances: Mapping[str, Instance], machines: Mapping[str, Status]) -> dict[str, Action]:
    """Return the action for each instance that needs one."""
    ids = instances.keys() | machines.keys()
    needed = {
        id: _ACTIONS.get((desired_state(instances.get(id)), machines.get(id, Status.ABSENT)))
        for id in sorted(ids)
    }
    return {id: action for id, action in needed.items() if action}
