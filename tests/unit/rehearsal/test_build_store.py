"""rehearsal/build/store.py: a supply is complete or absent, and its name tells what it was made of."""

from pathlib import Path

import pytest

from rehearsal.build.store import Store, key_of, link_file, link_tree, size_of


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


def test_an_entry_appears_when_it_is_whole(store: Store):
    entry = store.entry("tool", "abc")
    with store.filling(entry) as folder:
        (folder / "program").write_text("x")
        assert not entry.exists(), "half a supply must not look like a whole one"
    assert (entry / "program").read_text() == "x"


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


def test_a_linked_tree_costs_no_space_and_keeps_its_links(tmp_path: Path):
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "usr").mkdir(parents=True)
    (source / "usr/file").write_text("x" * 4096)
    (source / "bin").symlink_to("usr")
    link_tree(source, copy)
    assert (copy / "bin").is_symlink()
    assert (copy / "usr/file").samefile(source / "usr/file")


def test_a_linked_file_is_the_program_and_not_the_link_to_it(tmp_path: Path):
    (tmp_path / "program-1.0").write_text("x")
    (tmp_path / "program").symlink_to("program-1.0")
    link_file(tmp_path / "program", tmp_path / "bin" / "program")
    assert not (tmp_path / "bin" / "program").is_symlink()


def test_a_size_counts_a_linked_file_once(tmp_path: Path):
    (tmp_path / "one").write_bytes(b"x" * 8192)
    alone = size_of(tmp_path)
    link_file(tmp_path / "one", tmp_path / "two")
    assert size_of(tmp_path) == alone
