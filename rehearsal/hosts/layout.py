"""Names and paths of the machine host, all derived from its state folder.

Two hosts with different state folders share no name, and the remains of a killed host are found without a
record.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

# The address of all services of the machine host in every VPC. It is link-local, beside EC2's own
# 169.254.169.x and ECS's 169.254.170.2, so it collides with no VPC.
SERVICE_ADDRESS = "169.254.170.1"
MIRROR_PORT = 8080
REGISTRY_PORT = 5000
MIRROR_URL = f"http://{SERVICE_ADDRESS}:{MIRROR_PORT}"
REGISTRY_URL = f"http://{SERVICE_ADDRESS}:{REGISTRY_PORT}"


def port_of(instance_id: str) -> str:
    """Return the name of the router's end of an instance's cable.

    Linux limits interface names to 15 characters.
    """
    return f"ve-{instance_id[-12:]}"


@dataclass(frozen=True, slots=True)
class MachinePaths:
    """The folder of one instance."""

    folder: Path

    @property
    def upper(self) -> Path:
        """The writable layer of the overlay: the changes of this machine to the base image."""
        return self.folder / "upper"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def reboot_request(self) -> Path:
        """The fake cloud creates this file on RebootInstances, because DescribeInstances shows no reboot."""
        return self.folder / "reboot"

    @property
    def power_cut(self) -> Path:
        """Creating this file cuts the machine's power.

        It boots again and EC2 lists it as running, as after a host failure.
        """
        return self.folder / "power-cut"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of one machine host."""

    state: Path

    @property
    def tag(self) -> str:
        """The prefix of this host's network namespaces and control groups."""
        return "mc-" + hashlib.sha256(str(self.state.resolve()).encode()).hexdigest()[:6]

    @property
    def machines(self) -> Path:
        return self.state / "machines"

    @property
    def trash(self) -> Path:
        """Disks of removed machines. Deleting gigabytes takes seconds, so it happens in the background."""
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
        """Faults that the artifact mirror injects (mirror.py); usually absent."""
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
        """Return the network namespace of an instance, or of a VPC's router."""
        return f"{self.tag}-{thing_id}"
