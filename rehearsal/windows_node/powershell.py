"""Read the assignments at the head of PowerShell user-data, as strictly as PowerShell reads literals.

The renderer writes `$Name = literal` lines; a literal is a single-quoted string, a list `@(...)` or a table
`@{...}`. Anything else is a rendering error and is refused with its line.
"""

import re
from typing import TypeAlias

from rehearsal.windows_node.errors import InputError

Literal: TypeAlias = "str | list[Literal] | dict[str, Literal]"

# PowerShell ends a single-quoted string at any of these unless doubled (about_Quoting_Rules).
_QUOTES = "'\u2018\u2019\u201a\u201b"
_QUOTED = re.compile(f"[{_QUOTES}]((?:[^{_QUOTES}]|([{_QUOTES}])\\2)*)[{_QUOTES}]")
_DOUBLED = re.compile(f"([{_QUOTES}])\\1")
_ASSIGNMENT = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*) = ")
_BLOCK = re.compile(r"\A<powershell>\n(.*)\n</powershell>\n<persist>true</persist>\n?\Z", re.DOTALL)


def script_of(user_data: str) -> str:
    """Return the script that EC2Launch runs at every boot."""
    block = _BLOCK.match(user_data)
    if block is None:
        raise InputError(
            "user-data is not one <powershell> block and <persist>true</persist>, as EC2Launch needs it"
        )
    return block[1]


def assignments(script: str) -> dict[str, Literal]:
    """Return the assignments at the head of the script, up to the first other line."""
    reader = _Reader(script)
    found: dict[str, Literal] = {}
    while reader.at("$"):
        name, value = reader.assignment()
        if name in found:
            raise InputError(f"user-data assigns ${name} twice")
        found[name] = value
    return found


class _Reader:
    """A cursor over the script."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def assignment(self) -> tuple[str, Literal]:
        head = _ASSIGNMENT.match(self._text, self._at)
        if head is None:
            raise self._refuse("`$Name = literal`")
        self._at = head.end()
        value = self._literal()
        self._expect("\n")
        return head[1], value

    def _literal(self) -> Literal:
        if self._take("@("):
            return self._list()
        if self._take("@{"):
            return self._table()
        return self._string()

    def _string(self) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            raise self._refuse("a single-quoted string, @(...) or @{...}")
        self._at = quoted.end()
        return _DOUBLED.sub(r"\1", quoted[1])

    def _list(self) -> list[Literal]:
        items: list[Literal] = []
        while not self._take(")"):
            if items:
                self._expect(", ")
            items.append(self._literal())
        return items

    def _table(self) -> dict[str, Literal]:
        table: dict[str, Literal] = {}
        while not self._take("}"):
            if table:
                self._expect("; ")
            key = self._string()
            self._expect(" = ")
            table[key] = self._literal()
        return table

    def _take(self, token: str) -> bool:
        taken = self.at(token)
        self._at += len(token) if taken else 0
        return taken

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._refuse(repr(token))

    def _refuse(self, wanted: str) -> InputError:
        line = self._text.count("\n", 0, self._at) + 1
        found = self._text[self._at : self._at + 30]
        return InputError(f"user-data, line {line} of the script: expected {wanted}, found {found!r}")
