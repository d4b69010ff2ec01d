"""Where supplies are kept: one folder per thing and key, either complete or absent.

A folder is filled under a temporary name and renamed when it is whole, so a build that was interrupted leaves
nothing that a later one could take for finished. The key is a hash of everything that decides the content.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PARTIAL = ".partial"


def default_home() -> Path:
    """The cache outside the checkout, where the XDG specification wants it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microcosm"


def key_of(*parts: str | bytes | Path) -> str:
    """A short hash of texts and of the contents of files; a folder counts with all its files."""
    digest = hashlib.sha256()
    for part in parts:
        for chunk in _chunks(part):
            digest.update(len(chunk).to_bytes(8) + chunk)
    return digest.hexdigest()[:12]


def _chunks(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, str):
        yield part.encode()
    elif isinstance(part, bytes):
        yield part
    elif part.is_dir():
        for path in sorted(files_below(part)):
            yield str(path.relative_to(part)).encode()
            yield oct(path.stat().st_mode).encode() + path.read_bytes()
    else:
        yield part.read_bytes()


def files_below(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def remove_tree(path: Path) -> None:
    """Remove a folder without following a mount out of it: what a killed build left may still hold one."""
    if path.exists():
        subprocess.run(["rm", "--recursive", "--force", "--one-file-system", str(path)], check=True)


@dataclass(frozen=True)
class Store:
    """The cache folder."""

    home: Path

    def entry(self, name: str, key: str) -> Path:
        return self.home / "supplies" / f"{name}-{key}"

    @property
    def downloads(self) -> Path:
        """The downloads from publishers, whole or in part."""
        return self.home / "downloads"

    @contextmanager
    def filling(self, entry: Path) -> Generator[Path]:
        """A fresh folder that becomes `entry` when the block ends well and disappears when it does not."""
        partial = entry.with_name(entry.name + _PARTIAL)
        remove_tree(partial)
        partial.mkdir(parents=True)
        try:
            yield partial
            partial.rename(entry)
        except BaseException:
            remove_tree(partial)
            raise

    @contextmanager
    def locked(self) -> Generator[None]:
        """Two rehearsals that start together must not build the same thing twice: the second one waits
        here.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "supplies.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def stale(self, wanted: Iterable[Path]) -> list[Path]:
        """Entries that the present pins do not ask for, left-overs of killed builds among them."""
        keep = set(wanted)
        folder = self.home / "supplies"
        return sorted(path for path in folder.iterdir() if path not in keep) if folder.is_dir() else []


def size_of(path: Path) -> int:
    """Bytes on disk, each hard-linked file counted once."""
    inodes = {
        (status.st_dev, status.st_ino): status.st_blocks * 512 for status in map(os.lstat, path.rglob("*"))
    }
    return sum(inodes.values())


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder by hard links. Whoever changes a file in the copy must replace it, not write into it."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "--archive", "--link", str(source), str(target)], check=True)


def link_file(source: Path, target: Path) -> None:
    """A hard link where the file system allows it, a copy elsewhere."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)
