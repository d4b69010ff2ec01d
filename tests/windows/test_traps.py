"""The list of traps does not rot: what it names is there, and one break in each part is really tried."""

import re
from pathlib import Path

import pytest

from . import traps

TESTS = traps.PROJECT / "tests"
PAGE = traps.PROJECT / "docs/windows-traps.md"


@pytest.mark.parametrize("trap", traps.TRAPS, ids=lambda trap: re.sub(r"\W+", "-", trap.what))
def test_what_a_trap_names_is_there(trap):
    """A text that is gone breaks nothing, and its test would seem to notice nothing."""
    module, _, function = trap.test.partition("::")
    assert trap.good in (traps.PROJECT / trap.file).read_text()
    assert trap.good != trap.bad
    assert re.search(rf"^def {function}\(", (TESTS / module).read_text(), re.MULTILINE)


def test_the_page_has_the_table():
    assert traps.table() in PAGE.read_text(), "python -m tests.windows.traps --table"


def test_a_break_that_nobody_notices_would_be_told(tmp_path: Path):
    """Or the command would call everything held."""
    traps.copy_of_the_project(tmp_path)
    harmless = traps.Trap(
        part="",
        what="nothing",
        source="",
        file="userdata/windows/plan.ps1",
        good="# plan.ps1: the loop",
        bad="# plan.ps1: a loop",
        test="windows/test_rules.py::test_every_file_says_first_what_it_is",
    )
    assert "NOT HELD: nothing: windows/test_rules.py::test_every_file_says_first_what_it_is passes although" in traps.survivor(harmless, tmp_path)
    assert (tmp_path / harmless.file).read_text() == (traps.PROJECT / harmless.file).read_text()
