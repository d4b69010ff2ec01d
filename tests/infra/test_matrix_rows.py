"""Every row of the matrix as its golden file has it: sizes, user-data, and what the script leaves on a Windows node."""

import tomllib

import pytest

from infra import matrix
from infra.userdata import RAW_LIMIT_BYTES
from tests.cases import rows
from tests.windows import pester

each_row = pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: row.name)
WINDOWS = [row for row in rows.ROWS if row.system.family == "windows"]


@each_row
def test_a_row_is_what_its_file_says(row):
    assert rows.rendered(row) == rows.expected(row), "if it is meant: python -m tests.cases --update (with PowerShell)"


def test_every_pair_that_can_be_built_has_a_file_and_no_other():
    assert {path.stem for path in rows.FOLDER.glob("*")} - {"sizes"} == {row.name for row in rows.ROWS}
    assert len(rows.ROWS) == 11, "three of Linux, and eight of Windows: 2025 begins with 1.35"


def test_every_byte_of_user_data_is_the_one_that_was_looked_at():
    """Another byte is another machine: whoever changes a script sees here which rows it replaces."""
    assert rows.sizes() == rows.expected_sizes(), "if it is meant: python -m tests.cases --update"


@each_row
def test_the_user_data_of_a_row_fits_with_room(row):
    """Names, labels, ranges and mirrors are other people's."""
    for machine, raw in rows.user_data(row).items():
        assert len(raw) <= RAW_LIMIT_BYTES - rows.ROOM_BYTES[row.system.family], machine


@pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)
@pytest.mark.parametrize("row", WINDOWS, ids=lambda row: row.name)
def test_a_node_of_a_row_has_what_the_row_says(row):
    """From the table to the disk: the golden file alone would take any mistake that is made twice."""
    node = pester.walks()[row.name]
    assert node.code == 0, node.report
    containerd = tomllib.loads(node.files["C:\\Program Files\\containerd\\config.toml"])
    assert containerd["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == matrix.pause_image(row.version)
    assert node.inputs["ContainerdVersion"] == matrix.KUBERNETES_VERSIONS[row.version].containerd
    assert f"/v{row.version}/" in node.inputs["Artifacts"]["kubernetes-node"]["Urls"][0]
    assert [line.rsplit(" ", 1)[1] for line in node.log if line.startswith("start ctr.exe")] == [row.system.wcf_image]
