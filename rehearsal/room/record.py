"""room.json: what the room is and has, for the programs that wait for it, look into its machines, or clean up after it."""

import json
from pathlib import Path
from typing import TypedDict

from rehearsal.files import write_atomically
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import Layout


class MachineRecord(TypedDict):
    """`leader` is a process in the machine's namespaces; None while it is not running."""

    node: str
    ip: str
    netns: str
    leader: int | None
    os: str


class RoomRecord(TypedDict):
    pid: int
    mirror: str
    registry: str
    ca: str
    machines: dict[str, MachineRecord]


class Recorder:
    """Writes only what changed, and whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def write(self, record: RoomRecord) -> None:
        text = json.dumps(record, indent=2) + "\n"
        if text == self._written:
            return
        write_atomically(self._path, text)
        self._written = text


def read(layout: Layout) -> RoomRecord:
    try:
        return json.loads(layout.record.read_text())
    except FileNotFoundError:
        raise RoomError(f"no room is running in {layout.state}: there is no {layout.record.name}") from None


def machine_of(record: RoomRecord, node: str) -> MachineRecord:
    """By node name or instance id; only machines that run."""
    running = {id: machine for id, machine in record["machines"].items() if machine["leader"]}
    for id, machine in running.items():
        if node in (id, machine["node"]):
            return machine
    names = ", ".join(sorted(machine["node"] for machine in running.values())) or "none"
    raise RoomError(f"{node}: no such machine is running; running are: {names}")
