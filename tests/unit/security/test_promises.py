"""Test that every promise in docs/guide/security.md names an existing place and existing tests."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (PROJECT / "docs/guide/security.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| Promise")
]


@cache
def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_there_are_promises():
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_promise_names_where_it_is_kept_and_tests_that_exist(row):
    """A table that outlives its tests promises nothing."""
    _, kept, tests = row
    assert kept.startswith("`make ") or (PROJECT / kept).exists(), kept
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
    assert named
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(PROJECT / path)] == []


def test_every_test_of_these_folders_is_of_a_module_that_the_page_names():
    """Otherwise the page would omit a promise that is tested."""
    page = (PROJECT / "docs/guide/security.md").read_text()
    tests = [path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("tests/*/security/test_*.py")]
    assert tests
    assert [path for path in tests if path not in page] == []
