"""Choose the aws provider: Pulumi's own where it is installed, the stand-in of rehearsal/provider elsewhere.

PROVIDER=official insists on Pulumi's own, PROVIDER=stand-in on the other. The user installs the official one.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rehearsal.build.errors import SuppliesError
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of, link_file
from rehearsal.build.toolchain import AWS_PROVIDER

PROGRAM = "pulumi-resource-aws"
OFFICIAL, STAND_IN = "official", "stand-in"
SETTING = "PROVIDER"


def official(store: Store, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Find the plugin for this run, None for the stand-in. SuppliesError where it is wanted and missing."""
    wanted, version = environ.get(SETTING) or "", AWS_PROVIDER.pinned_version
    if wanted not in ("", OFFICIAL, STAND_IN):
        raise SuppliesError(f"{SETTING} is {wanted!r}; accepted are {OFFICIAL} and {STAND_IN}")
    if wanted == STAND_IN:
        return None
    plugins = Path(environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    installed = plugins / f"resource-aws-v{version}" / PROGRAM
    if installed.is_file():
        return installed
    if wanted != OFFICIAL:
        return None
    if found := _on_path(store, environ):
        return found
    raise SuppliesError(
        f"{SETTING}={OFFICIAL} needs Pulumi's aws provider {version}, which is neither in {plugins} "
        f"nor on PATH; install it: `pulumi plugin install resource aws {version}`"
    )


def _on_path(store: Store, environ: Mapping[str, str]) -> Path | None:
    """Find a provider on PATH, of any version. One that the rehearsal built is not official."""
    found = shutil.which(PROGRAM, path=environ.get("PATH"))
    path = Path(found).resolve() if found else None
    return None if path is None or path.is_relative_to(store.home.resolve()) else path


def official_step(store: Store, plugin: Path) -> Step:
    """Put Pulumi's own provider among the programs."""
    status = plugin.stat()
    key = key_of(str(plugin), str(status.st_size), str(status.st_mtime_ns))

    def build(folder: Path, _: Run) -> None:
        link_file(plugin, folder / PROGRAM)

    return Step(name="official aws provider", entry=store.entry("aws-provider-official", key), build=build)
