"""rehearsal/build/store.py: a supply is complete or absent, and its name tells what it was made of."""

from pathlib import Path

import pytest

from rehearsal.build.store import Store, key_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def test_a_key_depends_on_the_contents_of_files_and_not_on_where_they_are(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text("module x")
    assert key_of(tmp_path / "one") == key_of(tmp_path / "two")
    (tmp_path / "two" / "go.mod").write_text("module y")
    assert key_of(tmp_path / "one") != key_of(tmp_path / "two"), "a changed pin must ask for another build"


def test_a_key_knows_where_one_part_ends_and_the_next_begins():
    assert key_of("ab", "c") != key_of("a", "bc")


def test_a_key_notices_that_a_script_is_no_longer_executable(tmp_path: Path):
    script = tmp_path / "prepare-machine"
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    before = key_of(tmp_path)
    script.chmod(0o644)
    assert key_of(tmp_path) != before


def test_an_interrupted_build_leaves_nothing(store: Store):
    entry = store.entry("tool", "abc")

    def interrupted() -> None:
        with store.filling(entry) as folder:
            (folder / "program").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(entry.parent.iterdir()) == []


def test_what_a_killed_build_left_is_not_mixed_into_the_next_one(store: Store):
    entry = store.entry("tool", "abc")
    left_over = entry.with_name(entry.name + ".partial")
    left_over.mkdir(parents=True)
    (left_over / "half").write_text("x")
    with store.filling(entry) as folder:
        assert list(folder.iterdir()) == []
    assert store.stale([entry]) == []


def test_stale_entries_are_those_that_the_pins_no_longer_ask_for(store: Store):
    old, new = store.entry("tool", "old"), store.entry("tool", "new")
    for entry in (old, new):
        with store.filling(entry):
            pass
    assert store.stale([new]) == [old]
