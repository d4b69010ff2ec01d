"""Test the parts of a Wine prefix without Wine."""

from pathlib import Path

import pytest

from rehearsal.build import wine_prefix


def file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_wines_own_libraries_become_links_and_ours_stay(tmp_path: Path):
    """A prefix that is copied for every rehearsal must not weigh 700 MB."""
    builtin, prefix = tmp_path / "builtin", tmp_path / "prefix"
    file(builtin / "kernel32.dll", "wine")
    file(builtin / "pdh.dll", "wine")
    kernel32, pdh, nls = (
        file(prefix / "system32" / name, text)
        for name, text in (("kernel32.dll", "wine"), ("pdh.dll", "ours"), ("c_850.nls", "x"))
    )
    wine_prefix.link_builtin(prefix, builtin)
    assert kernel32.readlink() == builtin / "kernel32.dll"
    assert not pdh.is_symlink()
    assert not nls.is_symlink()


def test_nothing_of_the_host_is_left_in_a_prefix(tmp_path: Path):
    devices, users = tmp_path / "dosdevices", tmp_path / "drive_c/users"
    devices.mkdir()
    (users / "root").mkdir(parents=True)
    for link, target in {
        devices / "c:": "../drive_c",
        devices / "z:": "/",
        devices / "com1": "/dev/ttyS0",
        users / "root/Desktop": "/root",
    }.items():
        link.symlink_to(target)
    wine_prefix.shut_in(tmp_path)
    assert [path.name for path in devices.iterdir()] == ["c:"]
    assert [path.name for path in (users / "root").iterdir()] == ["Temp"]


def test_wine_is_told_of_no_display_and_of_no_other_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """On a desktop Wine would open windows there, and CI has no display."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("WINEDLLOVERRIDES", "pdh=b")
    environment = wine_prefix.environment(tmp_path)
    assert "DISPLAY" not in environment
    assert "WINEDLLOVERRIDES" not in environment
    assert environment["WINEPREFIX"] == environment["HOME"] == str(tmp_path)


def test_a_copy_is_ones_own_to_write_into(tmp_path: Path):
    original = file(tmp_path / "prefix/system.reg", "as made")
    wine_prefix.copy(tmp_path / "prefix", tmp_path / "copies/one")
    (tmp_path / "copies/one/system.reg").write_text("changed")
    assert original.read_text() == "as made"
