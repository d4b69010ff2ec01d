"""A layer of a Windows image: a tar in the form that hcsshim and BuildKit read, the same bytes for the same
input.

The records are those of go-winio v0.6.2, backuptar/tar.go: MSWINDOWS.fileattr, MSWINDOWS.rawsd,
LIBARCHIVE.creationtime. Folders `Hives` and `Files` are the roots, without a descriptor of their own
(moby/buildkit 73ed682, util/winlayers/differ.go).
"""

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import descriptors, digests
from .tree import Tree, join, parents

_FOLDER, _ARCHIVE = "16", "32"
_MODE_FOLDER, _MODE_FILE = 0o40755, 0o100644
# The fastest level: libraries are packed a tenth worse than at the slowest, in a fifth of the time.
_LEVEL = 1
# Files get a time made from all contents: one fixed time would let IIS send the same ETag for the pages of
# two releases.
_EARLIEST, _SPAN = 1_577_836_800, 157_680_000
# Folders that only the start script and an administrator change.
OWN = "microcosm"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer in its compressed form."""

    data: bytes
    digest: str
    diff_id: str

    @property
    def size(self) -> int:
        return len(self.data)


def stamp(tree: Tree) -> int:
    """Return the time of all files in seconds since 1970, made from names and contents."""
    total = hashlib.sha256()
    for path in tree:
        total.update(f"{path}\0".encode())
        total.update(hashlib.sha256(tree.read(path)).digest())
    return _EARLIEST + int.from_bytes(total.digest()[:6], "big") % _SPAN


def write(tree: Tree, writable: Collection[str], known: Mapping[str, bytes], time: int) -> Layer:
    """Write the files, by their paths below C:. Folders of `writable` get Modify for IIS_IUSRS with all that
    is in them.

    `known` are descriptors of folders that the base has, by folded path.
    """
    packed = io.BytesIO()
    content = _Hashing(gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=_LEVEL, mtime=0, filename=""))
    with tarfile.open(fileobj=content, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for root in ("Hives", "Files"):
            tar.addfile(_entry(root, None, time, None))
        for path, is_folder in _entries(tree, writable):
            inside = any(_below(path, folder) for folder in writable)
            if is_folder:
                tar.addfile(_entry(join("Files", path), None, time, _of_folder(path, inside, known)))
            else:
                data = tree.read(path)
                tar.addfile(
                    _entry(join("Files", path), len(data), time, descriptors.of_file(inside)),
                    io.BytesIO(data),
                )
    content.close()
    data = packed.getvalue()
    return Layer(data, digests.of(data), digests.written(content.hash))


class _Hashing(io.RawIOBase):
    """A stream that hashes what goes through: the layer's identity is that of the tar, not of its
    compressed form.
    """

    def __init__(self, inner: IO[bytes] | gzip.GzipFile) -> None:
        self.inner, self.hash = inner, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.hash.update(data)
        return self.inner.write(data)

    def close(self) -> None:
        if not self.closed:
            self.inner.close()
            super().close()


def _entries(tree: Tree, writable: Collection[str]) -> list[tuple[str, bool]]:
    """Return all paths, each once and each folder before what is in it.

    The order does not depend on the system.
    """
    folders = {
        folder for path in [*tree, *(join(folder, "x") for folder in writable)] for folder in parents(path)
    }
    written = {folder.lower(): folder for folder in sorted(folders)}
    entries = [(path, True) for path in written.values()] + [(path, False) for path in tree]
    return sorted(entries, key=lambda entry: entry[0].lower().split("/"))


def _of_folder(path: str, writable: bool, known: Mapping[str, bytes]) -> bytes:
    if writable:
        return descriptors.of_folder(True)
    if path.lower() in known:
        return known[path.lower()]
    if path.lower() in descriptors.KNOWN:
        return descriptors.KNOWN[path.lower()]
    return descriptors.CLOSED if _below(path, OWN) else descriptors.of_folder(False)


def _below(path: str, folder: str) -> bool:
    return f"{path.lower()}/".startswith(f"{folder.lower()}/")


def _entry(path: str, size: int | None, time: int, descriptor: bytes | None) -> tarfile.TarInfo:
    """Make a header; size None is a folder."""
    entry = tarfile.TarInfo(path)
    entry.mtime = time
    entry.type = tarfile.DIRTYPE if size is None else tarfile.REGTYPE
    entry.mode = _MODE_FOLDER if size is None else _MODE_FILE
    entry.size = size or 0
    entry.pax_headers = {
        "MSWINDOWS.fileattr": _FOLDER if size is None else _ARCHIVE,
        "LIBARCHIVE.creationtime": str(time),
    }
    if descriptor is not None:
        entry.pax_headers["MSWINDOWS.rawsd"] = descriptors.text(descriptor)
    return entry


def known_descriptors(layers: Collection[Path], wanted: Collection[str]) -> dict[str, bytes]:
    """Read the descriptors of folders from a base's layers, the lowest first; an upper layer's entry
    replaces a lower one's.
    """
    found = dict[str, bytes]()
    folded = {folder.lower() for folder in wanted}
    for path_of_layer in layers:
        with tarfile.open(path_of_layer) as tar:
            for entry in tar:
                path = entry.name.removeprefix("Files/").lower()
                if path in folded and "MSWINDOWS.rawsd" in entry.pax_headers:
                    found[path] = base64.b64decode(entry.pax_headers["MSWINDOWS.rawsd"])
    return found
