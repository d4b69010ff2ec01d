"""The configuration of a stack: load, default, validate. Pure but for `load`; nothing is validated by calling AWS."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path

import pulumi
from pulumi.runtime import config as runtime_config

from . import account, bom, limits, matrix, naming, netplan, patterns, userdata
from .errors import ConfigError
from .settings import Settings, shown

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_KUBERNETES = "1.35.8"
FLANNEL_BACKENDS = ("vxlan", "host-gw")
# What a pool is when nothing is said about it; Pulumi.yaml carries the same as its schema's default.
DEFAULT_POOLS: list[Mapping[str, object]] = [
    {"name": "linux", "os": "ubuntu-24.04", "count": 1},
    {"name": "windows", "os": "windows-2019", "count": 1},
]
MAX_NODES_PER_POOL = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What an instance is made of. `disk_size_gb` is the root volume in GiB."""

    instance_type: str
    disk_size_gb: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePool:
    """Any number of equal workers. Taints are `key=value:Effect`."""

    name: str
    os: matrix.OperatingSystem
    count: int
    machine: Machine
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    taints: tuple[str, ...] = ()

    @property
    def node_names(self) -> list[str]:
        return [naming.node_name(self.name, index) for index in range(self.count)]


@dataclass(frozen=True, kw_only=True, slots=True)
class StackConfig:
    """A validated configuration. CIDRs are IPv4 texts; an empty mirror means the publishers' own addresses."""

    names: naming.Names
    kubernetes_version: str
    bom: bom.Bom
    admin_cidrs: tuple[str, ...]
    vpc_cidr: str
    pod_cidr: str
    service_cidr: str
    availability_zones: tuple[str, ...]
    flannel_backend: str
    control_plane: Machine
    node_pools: tuple[NodePool, ...]
    key_name: str
    permissions_boundary: str
    artifact_mirror: str
    registry_mirror: str
    ignore_preflight_errors: tuple[str, ...]
    workloads: bool
    ready_timeout_minutes: int

    @property
    def node_names(self) -> list[str]:
        """Every node of the cluster, the control plane first."""
        return [naming.CONTROL_PLANE, *(name for pool in self.node_pools for name in pool.node_names)]

    @property
    def notes(self) -> list[str]:
        """What is built all the same but should be known, each once."""
        notes = [matrix.support(pool.os, self.kubernetes_version).note for pool in self.node_pools]
        return [note for note in dict.fromkeys([*notes, *self.limits]) if note]

    @property
    def limits(self) -> list[str]:
        """List what may fail, or goes badly, for lack of room."""
        windows = [pool.machine.instance_type for pool in self.node_pools if pool.os.family == "windows"]
        ranges = {"vpcCidr": self.vpc_cidr, "podCidr": self.pod_cidr, "serviceCidr": self.service_cidr}
        return limits.remarks(self.admin_cidrs, self.flannel_backend, windows, ranges)


def load() -> StackConfig:
    """The configuration of the running Pulumi program; ConfigError lists every problem."""
    project = pulumi.get_project()
    keys = runtime_config.CONFIG.get() | runtime_config.get_config_env()
    own = [key.removeprefix(f"{project}:") for key in keys if key.startswith(f"{project}:")]
    region = pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if refused := [*account.region_problems(region), *account.problems(account.of_program())]:
        raise ConfigError(refused)
    return parse({key: pulumi.Config().get(key) for key in own}, stack=pulumi.get_stack())


def parse(values: Mapping[str, object], *, stack: str) -> StackConfig:
    """Raw values to a validated configuration; ConfigError lists every problem, with key, value and what is accepted."""
    settings = Settings(values)
    _check_stack_name(stack, settings.problems)
    version = settings.choice("kubernetesVersion", DEFAULT_KUBERNETES, tuple(matrix.KUBERNETES_VERSIONS))
    pools = tuple(_node_pool(item, version) for item in settings.sections("nodePools", DEFAULT_POOLS))
    materials = _bill_of_materials(settings, version, {"linux"} | {pool.os.family for pool in pools})
    config = StackConfig(
        names=naming.Names(
            stack=stack,
            owner=settings.text("owner", "", patterns.OWNER, "up to 128 letters, digits and  _.:/=+@-, not beginning with aws:, no blank at an end"),
            expires_at=settings.text("expiresAt", "", patterns.MOMENT, "a date and time with its zone, e.g. 2027-01-31T18:00:00Z"),
        ),
        kubernetes_version=version,
        bom=materials,
        admin_cidrs=limits.collapsed(settings.texts("adminCidrs", patterns.CIDR, "an IPv4 range, e.g. 203.0.113.7/32")),
        vpc_cidr=settings.text("vpcCidr", "10.0.0.0/16"),
        pod_cidr=settings.text("podCidr", "10.244.0.0/16"),
        service_cidr=settings.text("serviceCidr", "10.96.0.0/12"),
        availability_zones=settings.texts("availabilityZones", patterns.ZONE, "an availability zone, e.g. eu-west-1a"),
        flannel_backend=settings.choice("flannelBackend", "vxlan", FLANNEL_BACKENDS),
        control_plane=_machine(settings.section("controlPlane"), "t3.medium", 30, 20),
        node_pools=pools,
        key_name=settings.text("keyName", "", patterns.KEY_NAME, "the name of an EC2 key pair, up to 255 ASCII characters, no blank at an end"),
        permissions_boundary=settings.text(
            "permissionsBoundary", "", patterns.POLICY_ARN, "the ARN of an IAM policy, e.g. arn:aws:iam::123456789012:policy/boundary"
        ),
        artifact_mirror=settings.text("artifactMirror", "", patterns.URL, "an http(s) URL without a slash at its end"),
        registry_mirror=settings.text("registryMirror", "", patterns.URL, "an http(s) URL without a slash at its end"),
        ignore_preflight_errors=settings.texts("ignorePreflightErrors", patterns.PREFLIGHT, "the name of a kubeadm preflight check"),
        workloads=settings.boolean("workloads", True),
        ready_timeout_minutes=settings.integer("readyTimeoutMinutes", 40, 1, 240),
    )
    _check_admin_access(config, settings.boolean("allowPublicAdmin", False), settings.problems)
    _check_network(config, settings.problems)
    _check_pools(config, settings.problems)
    _check_preflight(config.ignore_preflight_errors, settings.problems)
    settings.problems += limits.control_plane_problems(config.control_plane.instance_type, config.ignore_preflight_errors)
    _check_expiry(config.names.expires_at, settings.problems)
    settings.refuse_unknown()
    if settings.problems:
        raise ConfigError(settings.problems)
    return config


def _machine(settings: Settings, instance_type: str, disk_gb: int, disk_minimum_gb: int) -> Machine:
    machine = Machine(
        instance_type=settings.text("instanceType", instance_type, patterns.INSTANCE_TYPE, "an EC2 instance type, e.g. t3.large"),
        disk_size_gb=settings.integer("diskSizeGb", disk_gb, disk_minimum_gb, 16384),
    )
    if patterns.ARM_TYPE.fullmatch(machine.instance_type):
        settings.problems.append(
            f"{settings.where}instanceType is {machine.instance_type!r}: an arm64 type, but every download is amd64; choose e.g. t3.large"
        )
    if settings.where == "controlPlane.":
        settings.refuse_unknown()
    return machine


def _node_pool(settings: Settings, version: str) -> NodePool:
    known = matrix.OPERATING_SYSTEMS
    os = known[settings.choice("os", "ubuntu-24.04", tuple(known), {os.build or os.title: os.name for os in known.values()})]
    if unsupported := matrix.problem(os.name, version):
        settings.problems.append(f"{settings.where}os: {unsupported}")
    pool = NodePool(
        name=settings.text("name", "", naming.POOL_NAME, "1 to 15 lower-case letters, digits and hyphens, a letter first"),
        os=os,
        count=settings.integer("count", 1, 0, MAX_NODES_PER_POOL),
        machine=_machine(settings, os.default_instance_type, os.default_disk_gb, os.minimum_disk_gb),
        labels=settings.mapping("labels", patterns.LABEL, "a label outside the kubernetes.io domains, e.g. team: payments"),
        taints=settings.texts("taints", patterns.TAINT, "key=value:Effect, e.g. dedicated=ci:NoSchedule"),
    )
    settings.refuse_unknown()
    _check_taints(settings.where, pool, settings.problems)
    if "name" not in settings.values:
        settings.problems.append(f"{settings.where}name is missing: every pool has a name of its own, e.g. linux")
    return pool


def _check_taints(where: str, pool: NodePool, problems: list[str]) -> None:
    """The API server refuses a node with two taints of one key and effect."""
    places = [(taint["key"], taint["effect"]) for taint in userdata.node_taints(pool.os.family, pool.taints)]
    for key, effect in sorted({place for place in places if places.count(place) > 1}):
        own = "; every Windows node has it already" if f"{key}=windows:{effect}" == userdata.WINDOWS_TAINT else ""
        problems.append(f"{where}taints has {key} with {effect} twice{own}; name each key and effect once")


def _bill_of_materials(settings: Settings, version: str, families: set[str]) -> bom.Bom:
    """The file that `bom` names, or the product's own for this Kubernetes version."""
    named = settings.text("bom", "", patterns.PATH, "the path of a JSON file, up to 255 letters, digits and  ./~+@=,:-")
    path = PROJECT / (named or f"bom/{version}.json")
    materials, problems = bom.read(path)
    settings.problems.extend(problems or bom.problems(materials, families))
    if not problems and materials.kubernetes != version:
        settings.problems.append(
            f"bom {path} is for Kubernetes {materials.kubernetes}, but kubernetesVersion is {version}; name a file for {version}"
        )
    return materials


def _check_stack_name(stack: str, problems: list[str]) -> None:
    if wrong := naming.stack_name_problem(stack):
        problems.append(f"the stack's name is {shown(stack)}: {wrong}; choose another with `pulumi stack init`")


def _check_admin_access(config: StackConfig, public_is_meant: bool, problems: list[str]) -> None:
    if not config.admin_cidrs and not any(problem.startswith("adminCidrs") for problem in problems):
        problems.append(
            "adminCidrs is missing: nobody could reach the API; name the ranges that may, e.g. "
            "`pulumi config set --path 'adminCidrs[0]' \"$(curl -s https://checkip.amazonaws.com)/32\"`"
        )
    wrong = [problem for cidr in config.admin_cidrs for problem in netplan.range_problems("adminCidrs", cidr, range(33))]
    problems.extend(wrong)
    if not wrong and netplan.hold_every_address(config.admin_cidrs) and not public_is_meant:
        holds = "holds 0.0.0.0/0" if "0.0.0.0/0" in config.admin_cidrs else "holds ranges that together are 0.0.0.0/0"
        problems.append(
            f"adminCidrs {holds}: the API, the NodePorts and RDP would be open to the whole Internet; "
            "name your own ranges, or set allowPublicAdmin to true if that is what you want"
        )


def _check_network(config: StackConfig, problems: list[str]) -> None:
    zones = config.availability_zones
    if config.flannel_backend == "host-gw" and len(zones) > 1:
        problems.append(
            "flannelBackend is 'host-gw': it needs all nodes in one subnet, but several availabilityZones are named; name one, or use vxlan"
        )
    problems.extend(
        netplan.problems(
            vpc_cidr=config.vpc_cidr,
            pod_cidr=config.pod_cidr,
            service_cidr=config.service_cidr,
            zones=len(zones),
            nodes=len(config.node_names),
            # Every pool begins in the first zone, where the control plane is.
            nodes_in_first_zone=1 + sum(ceil(pool.count / max(len(zones), 1)) for pool in config.node_pools),
        )
    )


def _check_pools(config: StackConfig, problems: list[str]) -> None:
    names = [pool.name for pool in config.node_pools]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        problems.append(f"nodePools has two pools named {name!r}; their nodes would have the same names; give each pool its own")
    if naming.CONTROL_PLANE in config.node_names[1:] or naming.CONTROL_PLANE in names:
        problems.append(f"nodePools has a pool named {naming.CONTROL_PLANE!r}, the control plane's own name; choose another")
    families = {pool.os.family for pool in config.node_pools if pool.count}
    # A system that was refused may be the one that would seem to be missing.
    if config.workloads and families != {"linux", "windows"} and not any("].os is " in problem for problem in problems):
        missing = ", ".join(sorted({"linux", "windows"} - families))
        problems.append(
            f"workloads is true, but no pool has a {missing} node: the page needs Linux, CCAuth Windows; add a pool or set workloads to false"
        )


def _check_preflight(ignored: tuple[str, ...], problems: list[str]) -> None:
    """kubeadm's own rule (v1.35.8, apis/kubeadm/validation, ValidateIgnorePreflightErrors), which only the machines would tell."""
    names = {name.lower() for name in ignored}
    if "all" in names and len(names) > 1:
        problems.append("ignorePreflightErrors names all and others besides, which kubeadm refuses; name all alone, or only the others")


def _check_expiry(expires_at: str, problems: list[str]) -> None:
    try:
        datetime.fromisoformat(expires_at or "2027-01-31T18:00:00Z")
    except ValueError as error:
        problems.append(f"expiresAt is {expires_at!r}: {error}; accepted is a date that the calendar has")
