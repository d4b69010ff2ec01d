"""Test ci.yml and the development container: the menu's own targets, and what a rehearsal needs of a
container.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.build.modules import TOOLS
from rehearsal.session import STATE
from tests.support.engine import PROJECT

FILE = PROJECT / ".github/workflows/ci.yml"
WORKFLOW = yaml.safe_load(FILE.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
CONTAINER = json.loads(
    re.sub(r"^\s*//.*$", "", (PROJECT / ".devcontainer/devcontainer.json").read_text(), flags=re.MULTILINE)
)
SCRIPT = PROJECT / ".devcontainer/setup.sh"
# What a container must take from outside: the machines' disks are overlays, and modules are the host's.
MOUNTED = (STATE.parent, Path("/lib/modules"))


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_the_jobs_run_the_menus_own_targets():
    targets = {*JOBS["check"]["strategy"]["matrix"]["target"], "rehearse"}
    menu = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert targets == {"lint", "test", "test-served", "rehearse"} <= menu
    assert commands("check") == ["make ${{ matrix.target }}"]
    assert "make rehearse" in commands("rehearse")


def test_a_rehearsal_is_played_every_night_and_for_no_pull_request():
    # YAML 1.1 reads `on` as true.
    assert WORKFLOW[True].keys() == {"pull_request", "push", "schedule", "workflow_dispatch"}
    assert set(re.findall(r"== '(\w+)'", JOBS["rehearse"]["if"])) == {"schedule", "workflow_dispatch"}


def test_supplies_are_kept_under_the_key_of_their_pins_and_only_those_of_today():
    steps = JOBS["rehearse"]["steps"]
    (cache,) = [step for step in steps if "actions/cache" in step.get("uses", "")]
    (pins,) = [step for step in steps if step.get("id") == "pins"]
    assert "rehearsal.build --key" in pins["run"]
    assert cache["with"]["key"] == "supplies-${{ steps.pins.outputs.key }}"
    assert cache["with"]["path"] == "~/.cache/microcosm"
    assert steps.index(pins) < steps.index(cache) < [step.get("run") for step in steps].index("make rehearse")
    assert "rehearsal.build --prune" in steps[-1]["run"]


@pytest.mark.parametrize("folder", MOUNTED, ids=str)
def test_both_containers_have_the_folders_that_no_overlay_can_hold(folder: Path):
    assert f"target={folder}" in {part for mount in CONTAINER["mounts"] for part in mount.split(",")}
    assert str(folder) in {volume.split(":")[1] for volume in JOBS["rehearse"]["container"]["volumes"]}


def test_both_containers_are_the_same_privileged_debian_with_a_go_that_is_new_enough():
    container = JOBS["rehearse"]["container"]
    assert container["image"] == CONTAINER["image"]
    assert container["options"] == "--privileged"
    assert CONTAINER["privileged"] is True
    wanted = max(
        re.search(r"^go (\d+\.\d+)", path.read_text(), re.MULTILINE)[1] for path in TOOLS.rglob("go.mod")
    )
    assert CONTAINER["image"].endswith(f":{wanted}-bookworm")


def test_both_are_prepared_by_the_same_script():
    assert CONTAINER["postCreateCommand"] == SCRIPT.relative_to(PROJECT).as_posix() == commands("rehearse")[0]
    assert SCRIPT.stat().st_mode & 0o111
