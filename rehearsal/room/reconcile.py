"""What to do next: the difference between what AWS says of its instances and what the machines are. Pure."""

from collections.abc import Mapping
from enum import Enum, auto

from rehearsal.room.model import Instance


class Status(Enum):
    """What a machine is."""

    ABSENT = auto()
    RUNNING = auto()
    OFF = auto()  # no process, disk kept
    ENDED = auto()  # it powered itself off
    BROKEN = auto()  # its process failed; as far as AWS can see, the instance still runs
    BUSY = auto()  # an action on it is under way


class Wish(Enum):
    """What AWS's state of an instance means for its machine."""

    RUN = auto()
    OFF = auto()
    GONE = auto()


class Action(Enum):
    """One thing to do to one machine."""

    BOOT = auto()
    POWER_OFF = auto()
    REMOVE = auto()
    TELL_AWS = auto()


_WISHES = {
    "pending": Wish.RUN,
    "running": Wish.RUN,
    "stopping": Wish.OFF,
    "stopped": Wish.OFF,
    "shutting-down": Wish.GONE,
    "terminated": Wish.GONE,
}

_ACTIONS: dict[tuple[Wish, Status], Action] = {
    (Wish.RUN, Status.ABSENT): Action.BOOT,
    (Wish.RUN, Status.OFF): Action.BOOT,
    (Wish.RUN, Status.ENDED): Action.TELL_AWS,
    (Wish.OFF, Status.RUNNING): Action.POWER_OFF,
    (Wish.OFF, Status.ENDED): Action.POWER_OFF,
    (Wish.OFF, Status.BROKEN): Action.POWER_OFF,
    (Wish.GONE, Status.RUNNING): Action.REMOVE,
    (Wish.GONE, Status.OFF): Action.REMOVE,
    (Wish.GONE, Status.ENDED): Action.REMOVE,
    (Wish.GONE, Status.BROKEN): Action.REMOVE,
}


def wish(instance: Instance | None) -> Wish:
    """An instance that AWS no longer lists was terminated a while ago."""
    return _WISHES[instance.state] if instance else Wish.GONE


def reconcile(instances: Mapping[str, Instance], machines: Mapping[str, Status]) -> dict[str, Action]:
    """The action that each instance needs; those that are as they should be, or busy, are not mentioned."""
    ids = instances.keys() | machines.keys()
    needed = {id: _ACTIONS.get((wish(instances.get(id)), machines.get(id, Status.ABSENT))) for id in sorted(ids)}
    return {id: action for id, action in needed.items() if action}
