"""The configuration of a stack: load, default, validate.

Pure but for `load`; nothing is validated by calling AWS.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi.runtime import config as runtime_config

from ..errors import ConfigError
from . import account, bom, limits, naming, patterns, versions
from . import checks as config_checks
from .pools import DEFAULT_POOLS, Machine, NodePool, machine_of, pool_of
from .reading import Settings

PROJECT = Path(__file__).resolve().parents[2]
FLANNEL_BACKENDS = ("vxlan", "host-gw")


@dataclass(frozen=True, kw_only=True, slots=True)
class StackConfig:
    """A validated configuration.

    CIDRs are IPv4 texts; an empty mirror means the publishers' own addresses.
    """

    names: naming.Names
    kubernetes_version: str
    bom: bom.Bom
    admin_cidrs: tuple[str, ...]
    vpc_cidr: str
    # On Windows: node/script_inputs.py, then userdata/windows/bootstrap.ps1 and network.ps1.
    pod_cidr: str
    service_cidr: str
    availability_zones: tuple[str, ...]
    flannel_backend: str
    control_plane: Machine
    node_pools: tuple[NodePool, ...]
    key_name: str
    permissions_boundary: str
    kms_key: str
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
        """List the warnings, each once: the stack is built all the same."""
        notes = [versions.support(pool.os, self.kubernetes_version).note for pool in self.node_pools]
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
    region = (
        pulumi.Config("aws").get("region")
        or os.environ.get("AWS_REGION")
        or os.environ.get("AWS_DEFAULT_REGION")
        or ""
    )
    if refused := [*account.region_problems(region), *account.problems(account.of_program())]:
        raise ConfigError(refused)
    return parse({key: pulumi.Config().get(key) for key in own}, stack=pulumi.get_stack())


def parse(values: Mapping[str, object], *, stack: str) -> StackConfig:
    """Raw values to a validated configuration; ConfigError lists every problem, with key, value and what
    is accepted.
    """
    settings = Settings(values)
    config_checks.stack_name(stack, settings.problems)
    version = settings.choice(
        "kubernetesVersion", versions.DEFAULT_KUBERNETES, tuple(versions.KUBERNETES_VERSIONS)
    )
    pools = tuple(pool_of(item, version) for item in settings.sections("nodePools", DEFAULT_POOLS))
    materials = _bill_of_materials(settings, version, {"linux"} | {pool.os.family for pool in pools})
    config = StackConfig(
        names=naming.Names(
            stack=stack,
            owner=settings.text(
                "owner",
                "",
                patterns.OWNER,
                "up to 128 letters, digits and  _.:/=+@-, not beginning with aws:, no blank at an end",
            ),
            expires_at=settings.text(
                "expiresAt", "", patterns.MOMENT, "a date and time with its zone, e.g. 2027-01-31T18:00:00Z"
            ),
        ),
        kubernetes_version=version,
        bom=materials,
        admin_cidrs=limits.collapsed(
            settings.texts("adminCidrs", patterns.CIDR, "an IPv4 range, e.g. 203.0.113.7/32")
        ),
        vpc_cidr=settings.text("vpcCidr", "10.0.0.0/16"),
        pod_cidr=settings.text("podCidr", "10.244.0.0/16"),
        service_cidr=settings.text("serviceCidr", "10.96.0.0/12"),
        availability_zones=settings.texts(
            "availabilityZones", patterns.ZONE, "an availability zone, e.g. eu-west-1a"
        ),
        flannel_backend=settings.choice("flannelBackend", "vxlan", FLANNEL_BACKENDS),
        control_plane=machine_of(settings.section("controlPlane"), "t3.medium", 30, 20),
        node_pools=pools,
        key_name=settings.text(
            "keyName",
            "",
            patterns.KEY_NAME,
            "the name of an EC2 key pair, up to 255 ASCII characters, no blank at an end",
        ),
        permissions_boundary=settings.text(
            "permissionsBoundary",
            "",
            patterns.POLICY_ARN,
            "the ARN of an IAM policy, e.g. arn:aws:iam::123456789012:policy/boundary",
        ),
        kms_key=settings.text(
            "kmsKeyId",
            "",
            patterns.KEY,
            "the id or the ARN of a KMS key (no alias), e.g. 6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f",
        ),
        artifact_mirror=settings.text(
            "artifactMirror", "", patterns.URL, "an http(s) URL without a slash at its end"
        ),
        registry_mirror=settings.text(
            "registryMirror", "", patterns.URL, "an http(s) URL without a slash at its end"
        ),
        ignore_preflight_errors=settings.texts(
            "ignorePreflightErrors", patterns.PREFLIGHT, "the name of a kubeadm preflight check"
        ),
        workloads=settings.boolean("workloads", True),
        ready_timeout_minutes=settings.integer("readyTimeoutMinutes", 40, 1, 240),
    )
    config_checks.whole(config, settings.boolean("allowPublicAdmin", False), settings.problems)
    settings.refuse_unknown()
    if settings.problems:
        raise ConfigError(settings.problems)
    return config


def _bill_of_materials(settings: Settings, version: str, families: set[str]) -> bom.Bom:
    """The file that `bom` names, or the product's own for this Kubernetes version."""
    named = settings.text(
        "bom", "", patterns.PATH, "the path of a JSON file, up to 255 letters, digits and  ./~+@=,:-"
    )
    path = PROJECT / (named or f"bom/{version}.json")
    materials, problems = bom.read(path)
    settings.problems.extend(problems or bom.problems(materials, families))
    if not problems and materials.kubernetes != version:
        settings.problems.append(
            f"bom {path} is for Kubernetes {materials.kubernetes}, but kubernetesVersion is {version}; name "
            f"a file for {version}"
        )
    return materials
