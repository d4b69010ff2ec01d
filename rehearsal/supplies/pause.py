"""The pause program, from the C source that Kubernetes' own module carries (build/pause/linux)."""

import json
import subprocess
from pathlib import Path

from rehearsal.supplies.errors import SuppliesError
from rehearsal.supplies.steps import Run, Step
from rehearsal.supplies.store import Store, key_of
from rehearsal.supplies.toolchain import TOOLS

_FLAGS = ("-Os", "-Wall", "-static", "-s")


def pause_step(store: Store, kubernetes_version: str) -> Step:
    def build(folder: Path, run: Run) -> None:
        source = _module_folder(f"k8s.io/kubernetes@v{kubernetes_version}") / "build/pause/linux/pause.c"
        run(["gcc", *_FLAGS, f"-DVERSION=v{kubernetes_version}", "-o", folder / "pause", source])

    return Step(name="build pause", entry=store.entry("pause", key_of(kubernetes_version, *_FLAGS)), build=build)


def _module_folder(module: str) -> Path:
    """Where Go keeps a module's source; downloaded if it is not there yet."""
    command = ["go", "mod", "download", "-json", module]
    answer = subprocess.run(command, cwd=TOOLS / "kubernetes", capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SuppliesError(f"{module} cannot be downloaded: {json.loads(answer.stdout or '{}').get('Error') or answer.stderr.strip()}")
    return Path(json.loads(answer.stdout)["Dir"])
