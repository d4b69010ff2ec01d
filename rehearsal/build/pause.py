"""The pause program, from the C source that Kubernetes' own module carries (build/pause/linux)."""

from pathlib import Path

from rehearsal.build.modules import KUBERNETES, module_folder, pins_of
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of

_FLAGS = ("-Os", "-Wall", "-static", "-s")


def pause_step(store: Store, kubernetes_version: str) -> Step:
    def build(folder: Path, run: Run) -> None:
        source = (
            module_folder(pins_of(kubernetes_version), f"{KUBERNETES}@v{kubernetes_version}")
            / "build/pause/linux/pause.c"
        )
        run(["gcc", *_FLAGS, f"-DVERSION=v{kubernetes_version}", "-o", folder / "pause", source])

    return Step(
        name="build pause", entry=store.entry("pause", key_of(kubernetes_version, *_FLAGS)), build=build
    )
