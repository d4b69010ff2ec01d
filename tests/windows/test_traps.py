"""The list of traps does not rot: what it names is there, and one break in each part is really tried."""

import re
import subprocess
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


@pytest.mark.parametrize(("code", "told"), [(0, "NOT HELD: nothing: windows/test_x.py::test_y passes although script.ps1 is broken"), (1, "")])
def test_a_break_that_nobody_notices_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, told: str):
    """The test is run while the text is broken, and the text is whole again afterwards."""
    trap = traps.Trap(part="", what="nothing", source="", file="script.ps1", good="care", bad="none", test="windows/test_x.py::test_y")
    script = tmp_path / trap.file
    script.write_text("with care")
    seen: list[str] = []

    def run_tests(tests: list[str], copy: Path):
        seen.append(script.read_text())
        return subprocess.CompletedProcess(tests, code)

    monkeypatch.setattr(traps, "run_tests", run_tests)
    assert traps.survivor(trap, tmp_path) == told
    assert (seen, script.read_text()) == (["with none"], "with care")
