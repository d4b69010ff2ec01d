"""Where the room keeps things: every name and path that it makes is derived from the state folder.

Two rooms with different state folders never touch each other, and a killed room's left-overs are found without a record."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

# One address for everything that the room serves, the same whatever the VPC's addresses are: link-local, beside EC2's own
# 169.254.169.x and ECS's 169.254.170.2.
ROOM_ADDRESS = "169.254.170.1"
MIRROR_PORT = 8080
REGISTRY_PORT = 5000
MIRROR_URL = f"http://{ROOM_ADDRESS}:{MIRROR_PORT}"
REGISTRY_URL = f"http://{ROOM_ADDRESS}:{REGISTRY_PORT}"


@dataclass(frozen=True, slots=True)
class MachinePaths:
    """One instance's folder."""

    folder: Path

    @property
    def upper(self) -> Path:
        """The writable layer of the overlay: what this machine changed of the base image."""
        return self.folder / "upper"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def reboot_request(self) -> Path:
        """The fake cloud makes this file when RebootInstances is called: nothing in DescribeInstances tells of a reboot."""
        return self.folder / "reboot"

    @property
    def power_cut(self) -> Path:
        """Whoever makes this file pulls the plug, as when EC2 moves an instance off a failed host: it boots again, and EC2 lists it as running."""
        return self.folder / "power-cut"


@dataclass(frozen=True, slots=True)
class Layout:
    """One room's folder."""

    state: Path

    @property
    def tag(self) -> str:
        """Marks what is this room's among the namespaces and control groups of the host."""
        return "mc-" + hashlib.sha256(str(self.state.resolve()).encode()).hexdigest()[:6]

    @property
    def machines(self) -> Path:
        return self.state / "machines"

    @property
    def trash(self) -> Path:
        """Disks of machines that are gone: deleting gigabytes takes seconds, and nobody waits for it but the end of the room."""
        return self.state / "trash"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def record(self) -> Path:
        return self.state / "room.json"

    @property
    def lock(self) -> Path:
        return self.state / "room.lock"

    @property
    def mirror_faults(self) -> Path:
        """What the artifact mirror is asked to do wrong (mirror.py); usually absent."""
        return self.state / "mirror-faults.json"

    @property
    def sysctls(self) -> Path:
        return self.state / "sysctls.json"

    @property
    def ca(self) -> Path:
        return self.state / "ca.pem"

    def machine(self, instance_id: str) -> MachinePaths:
        return MachinePaths(self.machines / instance_id)

    def namespace(self, thing_id: str) -> str:
        """The network namespace of an instance, or of a VPC's router."""
        return f"{self.tag}-{thing_id}"
