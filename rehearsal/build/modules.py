"""Go modules: which versions are pinned, where Go keeps their sources, and how one is built as its publisher
builds it.

A module under tools/ has a go.mod and a go.sum of its own. What a Kubernetes version brings along (its
programs, etcd, CoreDNS, containerd) has not: tools/kubernetes/<version>/go.mod names those modules and go.sum
has their sums. What such a module needs stands in the go.mod and go.sum that its publisher put into it, which
its own sum covers.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.build.errors import SuppliesError

TOOLS = Path(__file__).parents[2] / "tools"
PROVIDER = Path(__file__).parents[1] / "provider"
KUBERNETES = "k8s.io/kubernetes"
_UNVERSIONED = "v0.0.0"


def module_version(go_mod: Path, module: str) -> str:
    """The version that a go.mod pins, without the v."""
    match = re.search(rf"^(?:require)?\s*{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if not match:
        raise SuppliesError(
            f"{go_mod} does not pin {module}, which the table in rehearsal/build/toolchain.py builds"
        )
    return match[1]


def pins_of(kubernetes: str) -> Path:
    """Say where the modules of a Kubernetes version are pinned."""
    return TOOLS / "kubernetes" / kubernetes


def module_folder(pins: Path, module: str) -> Path:
    """Say where Go keeps the source of `path@version`; download it if it is not there yet.

    `pins` is a folder whose go.sum has its sum.
    """
    answer = download(pins, module)
    path, _, version = module.partition("@")
    if f"{path} {version} {answer['Sum']}" not in (pins / "go.sum").read_text().splitlines():
        raise SuppliesError(f"{pins / 'go.sum'} has no such sum of {module}: {answer['Sum']}")
    return Path(answer["Dir"])


def download(folder: Path, module: str) -> dict[str, Any]:
    """Ask `go mod download` about a module: its sums, and where it is.

    Where go.sum in `folder` has a sum, that must be its own.
    """
    command = ["go", "mod", "download", "-json", module]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = json.loads(done.stdout or "{}").get("Error") or done.stderr.strip()
        raise SuppliesError(f"{module} cannot be downloaded: {reason}")
    return json.loads(done.stdout)


def lay_out(folder: Path, pins: Path, module: str) -> None:
    """Make a module that needs `module` and all that its publisher builds it with, in the same versions."""
    version = module_version(pins / "go.mod", module)
    source = module_folder(pins, f"{module}@v{version}")
    folder.mkdir(parents=True)
    shutil.copyfile(source / "go.mod", folder / "go.mod")
    (folder / "go.sum").write_text((source / "go.sum").read_text() + (pins / "go.sum").read_text())
    edits = ["-module=microcosm.local/build", f"-require={module}@v{version}"]
    for path, beside in beside_it(source).items():
        edits += [f"-dropreplace={path}", *([f"-replace={path}={path}@{beside}"] if beside else [])]
    subprocess.run(["go", "mod", "edit", *edits], cwd=folder, check=True)


def beside_it(source: Path) -> Mapping[str, str]:
    """The modules that a publisher builds from folders beside this one, and the versions in which they are
    published where go.mod has none.

    Kubernetes' staging repositories are required in version v0.0.0, and published as v0.35.8 with v1.35.8.
    """
    said = subprocess.run(
        ["go", "mod", "edit", "-json", "go.mod"], cwd=source, capture_output=True, check=True
    ).stdout
    described: dict[str, Any] = json.loads(said)
    required = {each["Path"]: each["Version"] for each in described["Require"]}
    folders = [
        each["Old"]["Path"] for each in described["Replace"] or () if each["New"]["Path"].startswith(".")
    ]
    staging = f"v0.{source.name.partition('@v1.')[2]}"
    return {path: staging if required.get(path) == _UNVERSIONED else "" for path in folders}


def output_of(command: Sequence[str]) -> str:
    """Return a program's standard output; empty where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):  # whatever that program is, it is not the one that is wanted
        return ""


def go_version() -> str:
    """The Go on PATH, which must be as new as the newest module asks for."""
    wanted = max(map(_go_directive, (*TOOLS.rglob("go.mod"), PROVIDER / "go.mod")))
    wanted_text = ".".join(map(str, wanted))
    if shutil.which("go") is None:
        raise SuppliesError(
            f"go is not on PATH: the rehearsal builds its programs with Go {wanted_text} or newer "
            f"(https://go.dev/dl/)"
        )
    present = output_of(["go", "env", "GOVERSION"]).strip()
    if _numbers(present) < wanted:
        raise SuppliesError(
            f"go on PATH is {present or 'unusable'}: the rehearsal needs Go {wanted_text} or newer "
            f"(https://go.dev/dl/)"
        )
    return present


def _go_directive(go_mod: Path) -> tuple[int, ...]:
    match = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    return _numbers(match[1]) if match else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
