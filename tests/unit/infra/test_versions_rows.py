"""Every row of the matrix as its golden file has it: sizes, user-data, and what the script leaves on a
Windows node.
"""

import tomllib

import pytest

from infra.config import bom, versions
from infra.config import model as config
from infra.node import userdata
from infra.node.userdata import RAW_LIMIT_BYTES
from rehearsal.windows_node.powershell import assignments, script_of
from tests.golden import rows
from tests.windows import pester

each_row = pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: row.name)
WINDOWS = [row for row in rows.ROWS if row.system.family == "windows"]


@each_row
def test_a_row_is_what_its_file_says(row):
    assert rows.rendered(row) == rows.expected(row), (
        "if it is meant: python -m tests.golden --update (with PowerShell)"
    )


def test_every_pair_that_can_be_built_has_a_file_and_no_other():
    assert {path.stem for path in rows.FOLDER.glob("*")} - {"sizes"} == {row.name for row in rows.ROWS}
    assert len(rows.ROWS) == 11, "three of Linux, and eight of Windows: 2025 begins with 1.35"


def test_every_byte_of_user_data_is_the_one_that_was_looked_at():
    """Another byte is another machine: whoever changes a script sees here which rows it replaces."""
    assert rows.sizes() == rows.expected_sizes(), "if it is meant: python -m tests.golden --update"


@each_row
def test_the_user_data_of_a_row_fits_with_room(row):
    """Names, labels, ranges and mirrors are other people's."""
    for machine, raw in rows.user_data(row).items():
        assert len(raw) <= RAW_LIMIT_BYTES - rows.ROOM_BYTES[row.system.family], machine


@pytest.mark.parametrize("version", versions.KUBERNETES_VERSIONS)
def test_the_longest_inputs_of_a_windows_node_fit(version):
    """A mirror with a long name, long node names, many labels and images."""
    row = next(row for row in WINDOWS if row.version == version)
    inputs = assignments(script_of(rows.user_data(row)["windows"].decode()))
    materials, _ = bom.read(config.PROJECT / f"bom/{version}.json")
    mirror = "https://artifacts.example.internal/microcosm"
    artifacts = {
        name: {"Urls": item.urls(mirror), "Sum": item.sum} for name, item in materials.windows.items()
    }
    longest = {
        "NodeName": "n" * 24,
        "StackName": "s" * 32,
        "JoinConfiguration": "x" * 2000,
        "PrepullImages": ["i" * 100] * 3,
    }
    assert (
        len(userdata.windows({**inputs, **longest, "Artifacts": artifacts}).encode("ascii"))
        < RAW_LIMIT_BYTES * 3 // 4
    )


@pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)
@pytest.mark.parametrize("row", WINDOWS, ids=lambda row: row.name)
def test_a_node_of_a_row_has_what_the_row_says(row):
    """From the table to the disk: the golden file alone would take any mistake that is made twice."""
    node = pester.walks()[row.name]
    assert node.code == 0, node.report
    containerd = tomllib.loads(node.files["C:\\Program Files\\containerd\\config.toml"])
    assert containerd["plugins"]["io.containerd.cri.v1.images"]["pinned_images"][
        "sandbox"
    ] == versions.pause_image(row.version)
    assert node.inputs["ContainerdVersion"] == versions.KUBERNETES_VERSIONS[row.version].containerd
    assert f"/v{row.version}/" in node.inputs["Artifacts"]["kubernetes-node"]["Urls"][0]
    pulls = [line.rsplit(" ", 1)[1] for line in node.log if line.startswith("start ctr.exe")]
    # The second one makes good for the first, whose connection the new network breaks.
    assert pulls == [row.system.wcf_image] * 2
