"""The files of a service as a tree of names.

Windows compares names without case, so does every look-up here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class File:
    """A file: its size in bytes, and the function that reads it. Nothing is read before it is needed."""

    size: int
    read: Callable[[], bytes]

    @classmethod
    def of(cls, data: bytes) -> "File":
        return cls(len(data), lambda: data)


@dataclass(frozen=True)
class Tree:
    """Files by path. Paths are relative, as written, with `/` between the parts."""

    files: Mapping[str, File]

    @cached_property
    def _by_folded(self) -> dict[str, str]:
        return {path.lower(): path for path in self.files}

    def find(self, path: str) -> str | None:
        """Return the path as written, or None."""
        return self._by_folded.get(path.replace("\\", "/").strip("/").lower())

    def read(self, path: str) -> bytes:
        return self.files[self.find(path) or path].read()

    def __contains__(self, path: str) -> bool:
        return self.find(path) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def __len__(self) -> int:
        return len(self.files)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    def named(self, *endings: str) -> list[str]:
        """Return the paths whose names end so, without case."""
        return [path for path in self if path.lower().endswith(endings)]

    def top(self) -> list[str]:
        """Return the files of the folder itself, without those of its subfolders."""
        return [path for path in self if "/" not in path]

    def folders(self) -> list[str]:
        """Return all folders that hold a file, also through subfolders."""
        return sorted({parent for path in self.files for parent in parents(path)})

    def below(self, folder: str) -> "Tree":
        """Return the tree of a subfolder, its paths relative to it."""
        start = f"{folder.strip('/')}/".lower() if folder.strip("/") else ""
        return Tree(
            {path[len(start) :]: file for path, file in self.files.items() if path.lower().startswith(start)}
        )

    def under(self, folder: str) -> "Tree":
        """Return the same files inside a folder."""
        return Tree({join(folder, path): file for path, file in self.files.items()})

    def replaced(self, files: Mapping[str, bytes]) -> "Tree":
        """Return the tree with other contents of some of its files."""
        return Tree(
            {**self.files, **{self.find(path) or path: File.of(data) for path, data in files.items()}}
        )


def parents(path: str) -> list[str]:
    """Return the folders above a path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def join(*parts: str) -> str:
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def merged(trees: Iterable[Tree]) -> Tree:
    """Return the files of several trees; a later tree wins."""
    return Tree({path: file for tree in trees for path, file in tree.files.items()})
