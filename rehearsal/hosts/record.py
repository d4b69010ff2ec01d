"""Write and read room.json: the machine host's process, services and machines, for other programs."""

import json
from pathlib import Path
from typing import TypedDict

from rehearsal.files import write_atomically
from rehearsal.hosts.errors import MachineHostError
from rehearsal.hosts.layout import Layout


class MachineRecord(TypedDict):
    """A machine. `leader` is a process in its namespaces; None while it is off."""

    node: str
    ip: str
    netns: str
    leader: int | None
    os: str


class HostRecord(TypedDict):
    pid: int
    mirror: str
    registry: str
    ca: str
    machines: dict[str, MachineRecord]


class Recorder:
    """Writes the record in one step, and only if it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def write(self, record: HostRecord) -> None:
        text = json.dumps(record, indent=2) + "\n"
        if text == self._written:
            return
        write_atomically(self._path, text)
        self._written = text


def read(layout: Layout) -> HostRecord:
    try:
        return json.loads(layout.record.read_text())
    except FileNotFoundError:
        raise MachineHostError(
            f"no machine host is running in {layout.state}: it has no {layout.record.name}"
        ) from None


def machine_of(record: HostRecord, node: str) -> MachineRecord:
    """Find a running machine by node name or instance id."""
    running = {id: machine for id, machine in record["machines"].items() if machine["leader"]}
    for id, machine in running.items():
        if node in (id, machine["node"]):
            return machine
    names = ", ".join(sorted(machine["node"] for machine in running.values())) or "none"
    raise MachineHostError(f"{node}: no such machine is running; running are: {names}")
