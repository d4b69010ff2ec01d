"""The stack that is to be built: its file, its configuration, and the machines that come of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from infra.config import model as config
from infra.config import operating_systems
from infra.config.model import StackConfig
from infra.config.naming import CONTROL_PLANE
from infra.errors import ConfigError

from ..errors import UsageError
from ..pulumi_cli.target import project_directory
from .checks import Stack

PROJECT = "microcosm"
CONTROL_PLANE_SYSTEM = operating_systems.OPERATING_SYSTEMS["ubuntu-24.04"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A machine that `pulumi up` would start."""

    node: str
    type: str
    os: operating_systems.OperatingSystem
    disk_gb: int


def stack_of(path: Path) -> str | None:
    """The stack that a file is named after: Pulumi.dev.yaml is dev's."""
    parts = path.name.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == "Pulumi" and parts[2] == "yaml" else None


def file_of(stack: str, start: Path) -> Path:
    """The stack's file in the project that `start` is in, where Pulumi itself looks for it."""
    folder = project_directory(start)
    path = folder / f"Pulumi.{stack}.yaml" if folder else None
    if path is None or not path.is_file():
        raise UsageError(
            f"there is no Pulumi.{stack}.yaml from here upwards: go into the project, or name the file with "
            f"--config"
        )
    return path


def values(path: Path) -> Mapping[str, Any]:
    """The `config:` of a stack's file."""
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(
            f"--config {path} cannot be read ({str(problem).splitlines()[0]}): name a Pulumi.<stack>.yaml"
        ) from problem
    found = cast(Mapping[str, Any], document).get("config") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise UsageError(f"--config {path} has no `config:`: name a Pulumi.<stack>.yaml")
    return cast(Mapping[str, Any], found)


def read(path: Path, stack: str) -> Stack:
    """The stack of a file, valid or with its problems; Pulumi itself hands the program the same values."""
    own = {
        key.removeprefix(f"{PROJECT}:"): value
        for key, value in values(path).items()
        if key.startswith(f"{PROJECT}:")
    }
    try:
        return Stack(path=path, config=config.parse(own, stack=stack))
    except ConfigError as problem:
        return Stack(path=path, config=None, problems=problem.problems)


def planned(stack: StackConfig) -> Iterator[Planned]:
    """Every machine, the control plane first."""
    own = stack.control_plane
    yield Planned(
        node=CONTROL_PLANE, type=own.instance_type, os=CONTROL_PLANE_SYSTEM, disk_gb=own.disk_size_gb
    )
    for pool in stack.node_pools:
        for node in pool.node_names:
            yield Planned(
                node=node, type=pool.machine.instance_type, os=pool.os, disk_gb=pool.machine.disk_size_gb
            )


def systems(stack: StackConfig) -> list[operating_systems.OperatingSystem]:
    """The operating systems in use, each once."""
    return list({machine.os.name: machine.os for machine in planned(stack)}.values())
