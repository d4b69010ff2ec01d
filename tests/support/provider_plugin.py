"""Find the built stand-in aws provider. Tests do not build it, because that takes minutes."""

import functools
import json
import os
import subprocess
from pathlib import Path

import pytest

from rehearsal.build import go_tool, modules, toolchain
from rehearsal.build.errors import SuppliesError
from rehearsal.build.store import Store, default_home

NAME = "pulumi-resource-aws"


@functools.cache
def plugin() -> Path:
    """Return the program of the present sources from the rehearsal's cache."""
    if given := os.environ.get("MICROCOSM_PROVIDER"):
        return Path(given)
    try:
        built = (
            go_tool.tool_step(Store(default_home()), toolchain.AWS_PROVIDER, modules.go_version()).entry
            / NAME
        )
    except SuppliesError as error:
        pytest.skip(str(error))
    if not built.exists():
        pytest.skip(f"{built} is not built: run `python -m rehearsal.build`")
    return built


@functools.cache
def names() -> dict[str, dict[str, list[str]]]:
    """Return the modelled inputs and outputs by token."""
    return json.loads(subprocess.run([plugin(), "-names"], capture_output=True, check=True).stdout)
