"""Which stack in which region a command is about: from options, else the project's own files, else the
environment.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from infra.config import account
from infra.config.naming import stack_name_problem
from infra.config.reading import shown

from ..errors import UsageError

PROJECT_FILE = "Pulumi.yaml"
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One stack of this project in one region."""

    stack: str
    region: str


def resolve(
    stack: str | None,
    region: str | None,
    directory: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Target:
    """The stack and region that the options, the project or the environment name."""
    here = directory or Path.cwd()
    name = _valid(stack or environ.get("PULUMI_STACK") or _only_stack(project_directory(here)))
    return Target(
        stack=name, region=region or _configured_region(name, here) or ambient_region(name, environ)
    )


def project_directory(start: Path) -> Path | None:
    """The nearest directory upwards that holds a Pulumi project, as Pulumi itself looks for it."""
    return next((place for place in (start, *start.parents) if (place / PROJECT_FILE).is_file()), None)


def _only_stack(project: Path | None) -> str:
    names = sorted(path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml")) if project else []
    if len(names) != 1:
        found = (
            f"this project has {', '.join(names)}"
            if names
            else "no Pulumi.<stack>.yaml was found from here upwards"
        )
        raise UsageError(f"which stack? {found}: name one with --stack or PULUMI_STACK")
    return names[0]


def _valid(stack: str) -> str:
    if wrong := stack_name_problem(stack):
        raise UsageError(
            f"--stack is {shown(stack)}: {wrong}; give the bare name of a stack, e.g. dev or pr-123"
        )
    return stack


def stack_file(stack: str, directory: Path | None = None) -> Path | None:
    """The file of a stack in the project that the directory is in, if both are there."""
    project = project_directory(directory or Path.cwd())
    path = project / f"Pulumi.{stack}.yaml" if project else None
    return path if path and path.is_file() else None


def configuration(path: Path | None) -> Mapping[str, Any]:
    """The `config:` of a stack's file; empty without a file."""
    if path is None:
        return {}
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UsageError(
            f"{path} is not valid YAML ({_first_line(problem)}): repair it or pass --region"
        ) from problem
    config: Any = cast(dict[str, Any], document).get("config") if isinstance(document, dict) else None
    return cast(dict[str, Any], config) if isinstance(config, dict) else {}


def account_settings(path: Path | None) -> account.Settings:
    """Read a stack's AWS account from its file; UsageError if a command could not look into the same
    one.
    """
    settings = account.settings(configuration(path))
    if refused := account.problems(settings):
        raise UsageError(f"{path}: {'; '.join(refused)}")
    return settings


def _configured_region(stack: str, directory: Path) -> str | None:
    region: Any = configuration(stack_file(stack, directory)).get("aws:region")
    return region if isinstance(region, str) else None


def ambient_region(stack: str, environ: Mapping[str, str] = os.environ) -> str:
    """The region that the environment names."""
    region = next((environ[name] for name in REGION_VARIABLES if environ.get(name)), None)
    if region is None:
        raise UsageError(
            f"which region? aws:region is not set in Pulumi.{stack}.yaml: name one with --region or "
            f"AWS_REGION, e.g. eu-west-1"
        )
    return region


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0]
