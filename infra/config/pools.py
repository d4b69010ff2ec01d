"""Node pools and the type and disk of a machine, as a configuration names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import checks as config_checks
from . import naming, operating_systems, patterns, versions
from .reading import Settings

# The default of nodePools, which is also the default in the schema of Pulumi.yaml.
DEFAULT_POOLS: list[Mapping[str, object]] = [
    {"name": "linux", "os": "ubuntu-24.04", "count": 1},
    {"name": "windows", "os": "windows-2019", "count": 1},
]
MAX_NODES_PER_POOL = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """An instance's type and disk. `disk_size_gb` is the root volume in GiB."""

    instance_type: str
    disk_size_gb: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePool:
    """Any number of equal workers. Taints are `key=value:Effect`."""

    name: str
    os: operating_systems.OperatingSystem
    count: int
    machine: Machine
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    taints: tuple[str, ...] = ()

    @property
    def node_names(self) -> list[str]:
        return [naming.node_name(self.name, index) for index in range(self.count)]


def machine_of(settings: Settings, instance_type: str, disk_gb: int, disk_minimum_gb: int) -> Machine:
    machine = Machine(
        instance_type=settings.text(
            "instanceType", instance_type, patterns.INSTANCE_TYPE, "an EC2 instance type, e.g. t3.large"
        ),
        disk_size_gb=settings.integer("diskSizeGb", disk_gb, disk_minimum_gb, 16384),
    )
    if patterns.ARM_TYPE.fullmatch(machine.instance_type):
        settings.problems.append(
            f"{settings.where}instanceType is {machine.instance_type!r}: an arm64 type, but every download "
            f"is amd64; choose e.g. t3.large"
        )
    if settings.where == "controlPlane.":
        settings.refuse_unknown()
    return machine


def pool_of(settings: Settings, version: str) -> NodePool:
    known = operating_systems.OPERATING_SYSTEMS
    os = known[
        settings.choice(
            "os", "ubuntu-24.04", tuple(known), {os.build or os.title: os.name for os in known.values()}
        )
    ]
    if unsupported := versions.problem(os.name, version):
        settings.problems.append(f"{settings.where}os: {unsupported}")
    pool = NodePool(
        name=settings.text(
            "name", "", naming.POOL_NAME, "1 to 15 lower-case letters, digits and hyphens, a letter first"
        ),
        os=os,
        count=settings.integer("count", 1, 0, MAX_NODES_PER_POOL),
        machine=machine_of(settings, os.default_instance_type, os.default_disk_gb, os.minimum_disk_gb),
        labels=settings.mapping(
            "labels", patterns.LABEL, "a label outside the kubernetes.io domains, e.g. team: payments"
        ),
        taints=settings.texts("taints", patterns.TAINT, "key=value:Effect, e.g. dedicated=ci:NoSchedule"),
    )
    settings.refuse_unknown()
    config_checks.taints(settings.where, pool, settings.problems)
    if "name" not in settings.values:
        settings.problems.append(
            f"{settings.where}name is missing: every pool has a name of its own, e.g. linux"
        )
    return pool
