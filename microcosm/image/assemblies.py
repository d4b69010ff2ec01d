"""Facts from the PE and CLR headers of programs and libraries, read and never run.

dnfile reads the metadata. Rows of MemberRef and TypeDef cost it milliseconds each, so those of MemberRef are
read of programs (.exe) alone, and only where a name of interest is among the strings at all.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import dnfile
import pefile

from .tree import Tree

logging.getLogger("dnfile").setLevel(logging.CRITICAL)
ENDINGS = (".dll", ".exe")
# No assembly of a service comes near; a bigger file is data with a wrong name, and reading it takes minutes.
MOST_BYTES = 64 * 1024 * 1024
_I386, _AMD64 = 0x14C, 0x8664
_IL_ONLY, _REQUIRED_32, _PREFERRED_32 = 1, 2, 0x20000
_TARGET = re.compile(rb"\.NETFramework,Version=v([0-9.]+)")
_MEMBERS = {"ReadLine", "ReadKey", "Read", "get_UserInteractive"}
_TYPES_READ = ("System.Console", "System.Environment")
_LITERAL = re.compile(rb"(?:[\x20-\x7e]\x00){4,}")


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """One PE file. A native one has no `clr`."""

    path: str
    machine: int
    clr: str = ""
    il_only: bool = True
    required_32: bool = False
    target: str = ""
    references: dict[str, str] = field(default_factory=dict[str, str])
    modules: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    strings: tuple[str, ...] = ()
    imports: frozenset[str] = frozenset()

    @property
    def managed(self) -> bool:
        return bool(self.clr)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def bits(self) -> int | None:
        """32 or 64 if it runs in a process of this width alone, else None (AnyCPU)."""
        if self.machine == _AMD64:
            return 64
        if self.machine == _I386 and (not self.managed or self.required_32 or not self.il_only):
            return 32
        return None

    def uses(self, *types: str) -> bool:
        """Whether it refers to one of the types; a name that ends with `.` stands for a namespace."""
        return any(
            name in self.types or (name[-1] == "." and any(one.startswith(name) for one in self.types))
            for name in types
        )


def read_all(tree: Tree) -> tuple[list[Assembly], list[str]]:
    """Return the PE files of a tree, and the paths that end like one and are none."""
    found, broken = list[Assembly](), list[str]()
    for path in tree.named(*ENDINGS):
        try:
            if tree.files[path].size > MOST_BYTES:
                raise ValueError("too big")
            found.append(read(path, tree.read(path)))
        except (
            pefile.PEFormatError,
            ValueError,
            AttributeError,
            IndexError,
            TypeError,
            KeyError,
            dnfile.errors.dnFormatError,
        ):
            broken.append(path)
    return found, broken


def read(path: str, data: bytes) -> Assembly:
    """Read one PE file; raises pefile.PEFormatError if it is none."""
    pe: Any = dnfile.dnPE(data=data, fast_load=True, clr_lazy_load=True)
    try:
        pe.parse_data_directories(directories=[1, 14])
        machine = int(pe.FILE_HEADER.Machine)
        imports = frozenset(_text(entry.dll).lower() for entry in getattr(pe, "DIRECTORY_ENTRY_IMPORT", ()))
        net = getattr(pe, "net", None)
        if net is None or getattr(net, "metadata", None) is None:
            return Assembly(path=path, machine=machine, imports=imports - {"mscoree.dll"}, strings=())
        return _managed(path, data, net, machine, imports)
    finally:
        pe.close()


def _managed(path: str, data: bytes, net: Any, machine: int, imports: frozenset[str]) -> Assembly:
    flags = int(net.struct.Flags)
    tables = net.mdtables
    types = frozenset(_full(row) for row in _rows(tables, "TypeRef"))
    strings = _heap(net, b"#Strings")
    names = (
        frozenset(name.decode("utf-8", "replace") for name in strings.split(b"\0"))
        if strings
        else frozenset[str]()
    )
    target = _TARGET.search(data)
    exact = path.lower().endswith(".exe") and names & _MEMBERS and types.intersection(_TYPES_READ)
    return Assembly(
        path=path,
        machine=machine,
        clr=_text(net.metadata.struct.Version).strip("\0"),
        il_only=bool(flags & _IL_ONLY),
        # "Prefers 32 bits" sets both flags and runs as 64 bits inside a 64-bit process.
        required_32=bool(flags & _REQUIRED_32) and not flags & _PREFERRED_32,
        target=target[1].decode() if target else "",
        references={_text(row.Name): _version(row) for row in _rows(tables, "AssemblyRef")},
        modules=frozenset(_text(row.Name) for row in _rows(tables, "ModuleRef")),
        types=types,
        members=frozenset(_members(tables)) if exact else frozenset(),
        names=names,
        strings=tuple(found[0].decode("utf-16-le") for found in _LITERAL.finditer(_heap(net, b"#US"))),
        imports=imports - {"mscoree.dll"},
    )


def _rows(tables: Any, name: str) -> Iterable[Any]:
    return getattr(tables, name, None) or ()


def _heap(net: Any, name: bytes) -> bytes:
    stream = net.metadata.streams.get(name)
    return bytes(stream.__data__) if stream is not None else b""


def _full(row: Any) -> str:
    namespace = _text(row.TypeNamespace)
    return f"{namespace}.{_text(row.TypeName)}" if namespace else _text(row.TypeName)


def _members(tables: Any) -> Iterable[str]:
    for row in _rows(tables, "MemberRef"):
        name = _text(row.Name)
        parent = getattr(row.Class, "row", None) if name in _MEMBERS else None
        if parent is not None and hasattr(parent, "TypeNamespace"):
            yield f"{_full(parent)}.{name}"


def _version(row: Any) -> str:
    return f"{row.MajorVersion}.{row.MinorVersion}.{row.BuildNumber}.{row.RevisionNumber}"


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
