"""Find the programs that a rehearsal has built on this machine, by Kubernetes version."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rehearsal.build.store import default_home


def kubernetes(beginning: str = os.environ.get("MICROCOSM_BUILT", "")) -> dict[str, Path]:
    """Return each built version of Kubernetes (1.35.8) with the folder of its programs.

    With a beginning (1.35) those that begin so.
    """
    found: dict[str, Path] = {}
    for folder in sorted((default_home() / "supplies").glob("kubernetes-*")):
        if (
            (folder / "kubectl").is_file()
            and (folder / "kube-apiserver").is_file()
            and folder.suffix != ".partial"
        ):
            version = subprocess.run(
                [folder / "kube-apiserver", "--version"], capture_output=True, text=True, check=True
            ).stdout
            found[version.split()[-1].removeprefix("v")] = folder
    return {
        version: folder
        for version, folder in found.items()
        if f"{version}.".startswith(f"{beginning}." if beginning else "")
    }


def put_on_path() -> None:
    """Put the folder of programs that was made last, with pulumi and its plugins, in front of PATH."""
    folders = [path for path in (default_home() / "supplies").glob("bin-*") if path.suffix != ".partial"]
    if folders:
        newest = max(folders, key=lambda path: path.stat().st_mtime)
        os.environ["PATH"] = os.pathsep.join([str(newest), os.environ["PATH"]])


def program(tool: str, name: str) -> Path | None:
    """Return a program of a tool, the one that was built last."""
    found = (default_home() / "supplies").glob(f"{tool}-*/{name}")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def wine_prefix() -> Path | None:
    """Return the Wine prefix that was built last; `wine_prefix.copy` makes one to write into."""
    found = [
        path for path in (default_home() / "supplies").glob("wine-prefix-*") if path.suffix != ".partial"
    ]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def etcd() -> Path | None:
    """Return the folder of a built etcd."""
    return next((path.parent for path in sorted((default_home() / "supplies").glob("etcd-*/etcd"))), None)


def together(folder: Path, programs: Sequence[Path]) -> Path:
    """Return a folder with links to all these programs."""
    folder.mkdir(parents=True, exist_ok=True)
    for program in programs:
        (folder / program.name).symlink_to(shutil.which(program) or program)
    return folder
