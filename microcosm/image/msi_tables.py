"""Reading of the tables of an MSI, a relational database inside an OLE file.

Names of streams, string pool and column types as Wine 8.0 reads them (dlls/msi/table.c, string.c). Without
msi.dll no library reads tables; olefile reads the OLE file.
"""

import struct
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

import olefile

from ..errors import OperatorError

Row = dict[str, str | int | None]

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
_STRING, _NULLABLE, _KEY, _VALID = 0x0800, 0x1000, 0x2000, 0x0100
_CODEPAGES = {0: "cp1252", 65001: "utf-8"}


class Database:
    """The tables and streams of one MSI."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        try:
            self._ole = olefile.OleFileIO(BytesIO(data))
            self._streams = {decode(path[0]): path[0] for path in self._ole.listdir() if len(path) == 1}
            self._strings, self._width = self._read_strings()
            self._columns = self._read_columns()
        except (OSError, struct.error, KeyError, IndexError, ValueError) as problem:
            raise OperatorError(
                f"{name}: not a readable MSI ({problem}); make it again, or hand over the folder"
            ) from problem

    def __contains__(self, table: str) -> bool:
        return f"!{table}" in self._streams and bool(self.rows(table))

    @property
    def tables(self) -> list[str]:
        """Names of the tables that have rows."""
        return sorted(table for table in self._columns if table in self)

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table; an absent table has none. Numbers are int, an empty cell is None."""
        return self._rows(table)

    @cache  # noqa: B019 - a database lives as long as its command
    def _rows(self, table: str) -> list[Row]:
        columns = self._columns.get(table)
        if not columns or f"!{table}" not in self._streams:
            return []
        return list(self._decode(self.stream(f"!{table}"), columns))

    def stream(self, name: str) -> bytes:
        """Return an embedded file, such as a cabinet or `Binary.NAME`."""
        with self._ole.openstream(self._streams[name]) as stream:
            return stream.read()

    def has_stream(self, name: str) -> bool:
        return name in self._streams

    @property
    def template(self) -> str:
        """Return the platform of the package: Intel, x64 or Arm64 (Template of the summary information)."""
        summary: Any = self._ole.get_metadata()
        template: bytes = summary.template or b""
        return template.decode("ascii", "replace").partition(";")[0].strip() or "Intel"

    def _read_strings(self) -> tuple[list[str], int]:
        """Return the string pool, and the width of a reference to it in bytes."""
        pool, data = self.stream("!_StringPool"), self.stream("!_StringData")
        words = struct.unpack(f"<{len(pool) // 2}H", pool)
        encoding = _CODEPAGES.get(words[0], f"cp{words[0]}")
        strings, offset, place = [""], 0, 2
        while place < len(words) - 1:
            length, references = words[place], words[place + 1]
            place += 2
            if length == 0 and references:
                # Longer than 65,535 bytes: the next two words are the length.
                length = words[place] + (words[place + 1] << 16)
                place += 2
            strings.append(data[offset : offset + length].decode(encoding, "replace"))
            offset += length
        return strings, 3 if words[1] & 0x8000 else 2

    def _read_columns(self) -> dict[str, list[tuple[str, int]]]:
        described = [("Table", _STRING), ("Number", 2), ("Name", _STRING), ("Type", 2)]
        columns: dict[str, list[tuple[int, str, int]]] = {}
        for row in self._decode(self.stream("!_Columns"), described):
            table, number, name, kind = row["Table"], row["Number"], row["Name"], row["Type"]
            columns.setdefault(str(table), []).append((int(number or 0), str(name), int(kind or 0) & 0xFFFF))
        return {table: [(name, kind) for _, name, kind in sorted(found)] for table, found in columns.items()}

    def _decode(self, data: bytes, columns: list[tuple[str, int]]) -> Iterator[Row]:
        """Yield rows. A table is stored column after column."""
        widths = [self._size(kind) for _, kind in columns]
        count = len(data) // sum(widths)
        offset, decoded = 0, list[list[str | int | None]]()
        for (_, kind), width in zip(columns, widths, strict=True):
            cells = [data[offset + row * width : offset + (row + 1) * width] for row in range(count)]
            decoded.append([self._cell(int.from_bytes(cell, "little"), kind, width) for cell in cells])
            offset += count * width
        names = [name for name, _ in columns]
        return (dict(zip(names, cells, strict=True)) for cells in zip(*decoded, strict=True))

    def _size(self, kind: int) -> int:
        if _is_binary(kind):
            return 2
        if kind & _STRING:
            return self._width
        return 4 if kind & 0xFF == 4 else 2

    def _cell(self, value: int, kind: int, width: int) -> str | int | None:
        if _is_binary(kind) or kind & _STRING:
            return self._strings[value] if value and not _is_binary(kind) else None
        return value - (0x80000000 if width == 4 else 0x8000) if value else None


def _is_binary(kind: int) -> bool:
    return kind & ~(_NULLABLE | _KEY) & 0xFF00 == _STRING | _VALID and kind & 0xFF == 0


def decode(name: str) -> str:
    """Decode a stream's name: each character holds one or two letters of 64, and U+4840 stands before a
    table.
    """
    letters: list[str] = []
    for character in name:
        code = ord(character)
        if 0x3800 <= code < 0x4800:
            code -= 0x3800
            letters += [_LETTERS[code & 0x3F], _LETTERS[code >> 6]]
        elif 0x4800 <= code < 0x4840:
            letters.append(_LETTERS[code - 0x4800])
        else:
            letters.append("!" if code == 0x4840 else character)
    return "".join(letters)
