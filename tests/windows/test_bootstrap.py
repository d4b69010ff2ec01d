"""bootstrap.ps1, the user-data itself: it fits, and it runs nothing that it has not checked."""

import json
from pathlib import Path

import pytest

from infra import bom, matrix, userdata

from . import BOOTSTRAP
from .machine import Windows, digest, inputs

BOM_FOLDER = Path(__file__).resolve().parents[2] / "bom"
PLACE = {"ScriptBucket": "bucket", "ScriptKey": "windows/node.ps1", "ScriptSha256": digest("the script")}


def started(content: str = "the script") -> tuple[Windows, int]:
    """A machine whose user-data has run, with this in the bucket."""
    machine = Windows()
    machine.web["s3://bucket/windows/node.ps1"] = content
    return machine, machine.run(BOOTSTRAP, **inputs(), **PLACE)


def test_the_checked_script_is_put_in_place_and_started_now_and_at_every_start():
    """By a task of Windows, which needs neither EC2Launch nor the metadata service."""
    machine, code = started()
    assert code == 0
    assert machine.files["c:\\microcosm\\node.ps1"] == "the script"
    assert machine.tasks == {
        "microcosm-node": "at startup; IgnoreNew, no limit; SYSTEM; powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\microcosm\\run.ps1"
    }, "a second run beside the first would undo it, and a limit would end it while it waits for the control plane"
    assert machine.log[-1] == "start task microcosm-node"
    assert machine.inputs["NodeName"] == "windows-0"


def test_a_script_that_fails_is_run_again_until_it_does_not():
    """Nobody may be there to restart the machine, and what was out of reach may be back."""
    machine, _ = started()
    codes = iter([15, 12, 0])
    machine.program = lambda path, arguments, text: (machine.log.append(f"{path} {' '.join(arguments)}"), (next(codes), []))[1]
    before, began = len(machine.log), machine.clock
    assert machine.run(machine.files["c:\\microcosm\\run.ps1"]) == 0
    assert machine.log[before:] == ["powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\microcosm\\node.ps1"] * 3
    assert machine.clock - began >= 120


def test_a_script_with_another_sum_is_not_put_in_place_and_the_failure_is_told():
    """Whoever can write into the bucket must not be able to run code on the node."""
    machine, code = started("another script")
    assert code == 9
    assert "c:\\microcosm\\node.ps1" not in machine.files
    assert machine.tasks == {}
    report = json.loads(machine.parameters["/microcosm/dev/status/windows-0"])
    assert (report["phase"], report["result"]) == ("feature", "failed")
    assert "what is there has another sum" in report["detail"]


def test_a_bucket_that_does_not_answer_at_first_is_tried_again():
    """The role's credentials come some seconds after the machine."""
    machine = Windows()
    machine.later = [(60, lambda: machine.web.update({"s3://bucket/windows/node.ps1": "the script"}))]
    assert machine.run(BOOTSTRAP, **inputs(), **PLACE) == 0


def test_the_folder_is_closed_before_anything_is_put_into_it():
    """What lies there runs as SYSTEM."""
    machine, _ = started()
    assert machine.log[0].startswith("icacls.exe C:\\microcosm /inheritance:r")


def test_a_later_start_fetches_nothing():
    """The script is there, and the way to the bucket may not be."""
    machine, _ = started()
    machine.web.clear()
    machine.routes.clear()
    assert machine.run(BOOTSTRAP, **inputs(), **PLACE) == 0


@pytest.mark.parametrize("version", matrix.KUBERNETES_VERSIONS)
def test_the_user_data_fits_with_room_to_spare(version):
    """With every input at its longest: a mirror with a long name, many labels, long node names."""
    materials, _ = bom.read(BOM_FOLDER / f"{version}.json")
    artifacts = {
        name: {"Urls": item.urls("https://artifacts.example.internal/microcosm"), "Sum": item.sum} for name, item in materials.windows.items()
    }
    longest = inputs(Artifacts=artifacts, NodeName="n" * 24, StackName="s" * 32, JoinConfiguration="x" * 2000, PrepullImages=["i" * 100] * 3)
    text = userdata.windows({**longest, **PLACE})
    assert len(text.encode("ascii")) < userdata.RAW_LIMIT_BYTES * 3 // 4


def test_the_rendered_user_data_is_powershell_and_says_what_was_put_in():
    """The assignments in front are read back by the interpreter, quotes and all."""
    machine = Windows()
    machine.web["s3://bucket/windows/node.ps1"] = "the script"
    text = userdata.windows({**inputs(NodeName="o'brien"), **PLACE})
    script = text.removeprefix("<powershell>\n").split("\n</powershell>")[0]
    assert machine.run(script) == 0
    assert machine.inputs == inputs(NodeName="o'brien")
