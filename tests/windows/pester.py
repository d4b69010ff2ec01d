"""Run the Pester tests once for a run of pytest, whatever its processes, and hand out their results.

PowerShell is `pwsh` on PATH, or what MICROCOSM_PWSH names. Without it the tests that need it are skipped.
"""

import atexit
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
PWSH = os.environ.get("MICROCOSM_PWSH") or shutil.which("pwsh")
WITHOUT = (
    "PowerShell is needed: put `pwsh` on PATH, or name it in MICROCOSM_PWSH (README.md says how to get it)"
)
# A sample of each sweep takes one of so many points; the served tests take all.
SAMPLE = 199
SECONDS = 3600
# What `make test` leaves to the served tests: hundreds of whole walks.
STATES = ("Choice", "Content", "Image", "Repair", "Reports", "States", "Waits", "host", "join", "node")
# The folder of one run of pytest, for all of its processes (tests/conftest.py makes and removes it).
FOLDER = "MICROCOSM_PESTER"
# Tiered compilation by profile costs a third more processor than it saves in a run of a minute.
ENVIRONMENT = {"DOTNET_TieredPGO": "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """The files that the node's script left on a machine: a run of product.walks()."""

    code: int
    inputs: dict[str, Any]
    files: dict[str, str]
    services: dict[str, dict[str, str]]
    registry: dict[str, str]
    log: list[str]
    report: dict[str, Any]
    arguments: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])


def test_files() -> list[str]:
    return sorted(path.name.removesuffix(".Tests.ps1") for path in HERE.glob("*.Tests.ps1"))


@cache
def product() -> Path:
    """The folder of the scripts, written once."""
    return _once("product", _write_product)


@cache
def run(group: str, files: tuple[str, ...], every: int = SAMPLE, filter_: str = "*") -> Path:
    """The JUnit file of these test files, which one process of PowerShell has run."""
    return _once(group, lambda folder: _run(folder, files, every, filter_)) / "junit.xml"


def failures(report: Path, file: str) -> tuple[int, list[str]]:
    """How many tests a file has run, and the names and messages of those that failed."""
    suites = [
        suite
        for suite in ElementTree.parse(report).iter("testsuite")
        if Path(suite.get("name", "")).name == f"{file}.Tests.ps1"
    ]
    cases = [case for suite in suites for case in suite.iter("testcase")]
    failed = [
        f"{case.get('name')}: {(problem.get('message') or problem.text or '').strip()}"
        for case in cases
        for problem in case.iter("failure")
    ]
    return len(cases), failed


def files() -> tuple[str, ...]:
    """The test files of `make test`, in one process, because each start of PowerShell with Pester takes
    seconds.
    """
    return tuple(name for name in test_files() if name not in STATES)


@cache
def walks() -> dict[str, Walk]:
    """The results of product.walks(), which walks.Tests.ps1 writes."""
    # Where pytest has collected test_powershell.py, that run is made in any case.
    whole = f"{__package__}.test_powershell" in sys.modules
    run("own" if whole else "walks", files() if whole else ("walks",))
    raw = json.loads((product() / "walks-result.json").read_text(encoding="utf-8-sig"))
    return {name: Walk(**result) for name, result in raw.items()}


def make_folder() -> None:
    """Make the folder of this run, and name it to the processes that it starts."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="microcosm-pester-")


def remove_folder() -> None:
    """Remove the folder of this run."""
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def _write_product(folder: Path) -> None:
    from tests.windows import product as scripts

    scripts.write(folder)


def _run(folder: Path, files: tuple[str, ...], every: int, filter_: str) -> None:
    assert PWSH, WITHOUT
    folder.mkdir(parents=True, exist_ok=True)
    options = [
        "-Product",
        str(product()),
        "-Result",
        str(folder / "junit.xml"),
        "-Every",
        str(every),
        "-Filter",
        filter_,
    ]
    command = [
        PWSH,
        "-NoProfile",
        "-NonInteractive",
        "-File",
        str(HERE / "run.ps1"),
        "-File",
        ",".join(files),
        *options,
    ]
    done = subprocess.run(
        command, env=os.environ | ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    assert (folder / "junit.xml").is_file(), (
        f"Pester ended with {done.returncode} and no result:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )


def _once(name: str, make: Any) -> Path:
    """A folder that the first process of this run of pytest makes, and the others wait for."""
    if FOLDER not in os.environ:
        make_folder()
        atexit.register(remove_folder)
    root = Path(os.environ[FOLDER])
    done = root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(root / name)
            done.touch()
    return root / name
