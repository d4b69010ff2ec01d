"""Test the parts of a Wine prefix without Wine."""

from pathlib import Path

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
