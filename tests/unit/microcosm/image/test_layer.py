"""The layer: descriptors, every entry and parent once, the same bytes for the same input. Rows F1, F2."""

import base64
import gzip
import io
import os
import tarfile
import time

import pytest

from microcosm.image import descriptors, layer
from microcosm.image.tree import File, Tree
from tests.support.services import files_of

# What BuildKit writes: moby/buildkit 73ed682, util/winlayers/differ.go, addSecurityDescriptor.
BUILDKIT_FILE = (
    "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgBMAAMAAAAAABgA"
    "/wEfAAECAAAAAAAFIAAAACACAAAAABQA/wEf"
    "AAEBAAAAAAAFEgAAAAAAGACpABIAAQIAAAAAAAUgAAAAIQIAAA=="
)
BUILDKIT_FOLDER = (
    "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgCoAAcAAAAAAxgA"
    "/wEfAAECAAAAAAAFIAAAACACAAAAAxQA/wEf"
    "AAEBAAAAAAAFEgAAAAAAGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAALFAAAAAAQAQEAAAAAAAMAAAAAAAMYAKkAEgABAgAAAAAABSAAAA"
    "AhAgAAAAIYAAQA"
    "AAABAgAAAAAABSAAAAAhAgAAAAIYAAIAAAABAgAAAAAABSAAAAAhAgAA"
)
SITE = {
    "inetpub/wwwroot/web.config": "<configuration/>",
    "inetpub/wwwroot/App_Data/ä.txt": "x",
    "microcosm/start.ps1": "#",
}
WRITABLE = ["inetpub/wwwroot/App_Data", "inetpub/wwwroot/logs"]


def entries(made: layer.Layer) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(made.data)) as tar:
        return tar.getmembers()


@pytest.fixture(scope="module")
def made():
    return layer.write(files_of(SITE), WRITABLE, {}, 1_600_000_000)


def test_plain_files_and_folders_get_what_buildkit_gives_them():
    assert descriptors.text(descriptors.of_file(False)) == BUILDKIT_FILE
    assert descriptors.text(descriptors.of_folder(False)) == BUILDKIT_FOLDER


def test_every_entry_and_every_parent_is_there_once_and_parents_come_first(made):
    names = [entry.name for entry in entries(made)]
    assert names == [
        "Hives",
        "Files",
        "Files/inetpub",
        "Files/inetpub/wwwroot",
        "Files/inetpub/wwwroot/App_Data",
        "Files/inetpub/wwwroot/App_Data/ä.txt",
        "Files/inetpub/wwwroot/logs",
        "Files/inetpub/wwwroot/web.config",
        "Files/microcosm",
        "Files/microcosm/start.ps1",
    ]


def parsed(entry: tarfile.TarInfo) -> dict:
    """Owner, group and allowing entries, read back by offsets: a second reading, not the writer's own."""
    data = base64.b64decode(entry.pax_headers["MSWINDOWS.rawsd"])
    control, owner, group, dacl = (
        int.from_bytes(data[2:4], "little"),
        *(int.from_bytes(data[at : at + 4], "little") for at in (4, 8, 16)),
    )
    assert control & 0x8004 == 0x8004, "self-relative, with a DACL"
    count, at, aces = int.from_bytes(data[dacl + 4 : dacl + 6], "little"), dacl + 8, {}
    for _ in range(count):
        size = int.from_bytes(data[at + 2 : at + 4], "little")
        aces[sid(data, at + 8), data[at + 1]] = int.from_bytes(data[at + 4 : at + 8], "little")
        at += size
    assert at == len(data), "nothing behind the last entry"
    return {"owner": sid(data, owner), "group": sid(data, group), "aces": aces}


def sid(data: bytes, at: int) -> str:
    parts = [int.from_bytes(data[at + 8 + 4 * n : at + 12 + 4 * n], "little") for n in range(data[at + 1])]
    return "-".join(["S-1", str(int.from_bytes(data[at + 2 : at + 8], "big")), *map(str, parts)])


def test_every_entry_has_owner_group_access_list_attributes_and_times(made):
    for entry in entries(made):
        assert entry.pax_headers["MSWINDOWS.fileattr"] == ("16" if entry.isdir() else "32"), entry.name
        assert entry.pax_headers["LIBARCHIVE.creationtime"] == "1600000000"
        if entry.name not in ("Files", "Hives"):
            read = parsed(entry)
            assert read["owner"].startswith("S-1-5-"), entry.name
            assert read["aces"], entry.name


def test_the_pool_may_modify_what_the_service_writes_to_and_nothing_else(made):
    pool, inherit = "S-1-5-32-568", 0x3
    may = {entry.name: parsed(entry)["aces"] for entry in entries(made) if "rawsd" in str(entry.pax_headers)}
    modify = {
        name
        for name, aces in may.items()
        if any(who == pool and mask == descriptors.MODIFY for (who, _), mask in aces.items())
    }
    start = "Files/inetpub/wwwroot"
    assert modify == {f"{start}/App_Data", f"{start}/App_Data/ä.txt", f"{start}/logs"}
    assert may[f"{start}/logs"][pool, inherit] == descriptors.MODIFY, (
        "and so have the files that it makes there"
    )


def test_users_may_not_add_to_the_folder_of_the_start_script(made):
    (folder,) = [entry for entry in entries(made) if entry.name == "Files/microcosm"]
    assert not [
        mask
        for (who, _), mask in parsed(folder)["aces"].items()
        if who == "S-1-5-32-545" and mask & 0x6 and mask != descriptors.READ_EXECUTE
    ]


def test_a_folder_of_the_base_keeps_its_own_descriptor():
    own = descriptors.encode(descriptors.SYSTEM, descriptors.SYSTEM, [])
    made = layer.write(files_of(SITE), WRITABLE, {"inetpub": own}, 1)
    found = {entry.name: entry.pax_headers.get("MSWINDOWS.rawsd") for entry in entries(made)}
    assert found["Files/inetpub"] == descriptors.text(own)
    assert found["Files/inetpub/wwwroot"] == descriptors.text(descriptors.KNOWN["inetpub/wwwroot"])


def test_the_same_files_give_the_same_bytes_whatever_their_order_time_zone_and_umask(monkeypatch):
    forth = files_of(SITE)
    back = Tree(dict(reversed(forth.files.items())))
    first = layer.write(forth, WRITABLE, {}, layer.stamp(forth))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    old = os.umask(0o077)
    second = layer.write(back, [*reversed(WRITABLE)], {}, layer.stamp(back))
    os.umask(old)
    monkeypatch.delenv("TZ")
    time.tzset()
    assert second == first
    changed = Tree({**forth.files, "inetpub/wwwroot/web.config": File.of(b"<configuration />")})
    assert layer.stamp(changed) != layer.stamp(forth), "so that IIS makes another ETag for the new page"


def test_digest_and_diff_id_are_those_of_the_packed_and_the_plain_tar(made):
    import hashlib

    assert made.digest == f"sha256:{hashlib.sha256(made.data).hexdigest()}"
    assert made.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(made.data)).hexdigest()}"
