"""Build the kubelet's admission for Windows (tools/kubernetes/kubelet-admission) from the pins and run it
under Wine.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.config.versions import DEFAULT_KUBERNETES
from rehearsal.build import wine_prefix
from rehearsal.build.modules import KUBERNETES, TOOLS, lay_out, pins_of
from rehearsal.build.store import default_home

SOURCE = TOOLS / "kubernetes" / "kubelet-admission"
# A cold build compiles a large part of the kubelet for Windows.
BUILD_SECONDS, RUN_SECONDS = 1_800, 300


def prefix() -> Path | None:
    """Return the Wine prefix that a rehearsal has made here."""
    return next(
        (
            path
            for path in sorted((default_home() / "supplies").glob("wine-prefix-*"))
            if path.suffix != ".partial"
        ),
        None,
    )


def missing() -> str:
    """Return the missing requirements, or an empty text."""
    lacking = [name for name in ("go", "wine", "wineserver") if not shutil.which(name)]
    return ", ".join([*lacking, *(() if prefix() else ("a Wine prefix",))])


def build(folder: Path) -> Path:
    program, module = folder / "kubelet-admission.exe", folder / "module"
    lay_out(module, pins_of(DEFAULT_KUBERNETES), KUBERNETES)
    shutil.copytree(SOURCE, module / SOURCE.name)
    environment = os.environ | {"GOOS": "windows", "GOARCH": "amd64", "CGO_ENABLED": "0", "GOWORK": "off"}
    # The package stands outside of the module that the pins describe: Go may add what only it imports to
    # go.mod.
    command = ["go", "build", "-mod=mod", "-ldflags", "-s -w", "-o", program, "./kubelet-admission"]
    subprocess.run(command, cwd=module, env=environment, check=True, timeout=BUILD_SECONDS)
    return program


def judge(program: Path, folder: Path, pods: Sequence[dict[str, Any]]) -> list[str]:
    """Return the kubelet's reason for each pod that it refuses; an empty text for an admitted pod."""
    made = prefix()
    assert made, missing()
    wine_prefix.copy(made, folder / "prefix")
    environment = wine_prefix.environment(folder / "prefix")
    written = "".join(f"{json.dumps(pod)}\n" for pod in pods)
    try:
        done = subprocess.run(
            ["wine", program],
            input=written.encode(),
            stdout=subprocess.PIPE,
            env=environment,
            check=True,
            timeout=RUN_SECONDS,
        )
    finally:
        subprocess.run(["wineserver", "--kill"], env=environment, capture_output=True, check=False)
    answers = done.stdout.decode().splitlines()
    assert len(answers) == len(pods), f"{len(pods)} pods, {len(answers)} answers"
    return [answer.strip() for answer in answers]
