"""docs/evidence/windows-traps.md names files and tests that are there."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| .+ \| .+ \| `(?P<file>[^`]+)` \| `(?P<tests>[^`]+)`: (?P<test>.+) \|$", re.MULTILINE)


def test_every_trap_names_a_file_and_a_test_that_are_there():
    rows = [*ROW.finditer((PROJECT / "docs/evidence/windows-traps.md").read_text())]
    assert len(rows) >= 84, "every row of the tables is read"
    for row in rows:
        pester = row["tests"].endswith(".Tests.ps1")
        text = (PROJECT / "tests" / ("windows" if pester else "") / row["tests"]).read_text()
        assert (PROJECT / row["file"]).is_file(), row[0]
        assert (f"It '{row['test']}'" if pester else f"def test_{row['test']}(") in text, row[0]
