"""Quote values for scripts: assignments for sh, literals for PowerShell."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

# PowerShell accepts the typographic quotes as quotes too (about_Quoting_Rules).
_POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"


def with_assignments(script: str, inputs: Mapping[str, str]) -> str:
    """Insert quoted assignments of the inputs after the shebang of a shell script."""
    shebang, rest = script.split("\n", 1)
    return "\n".join([shebang, *(f"{name}={shlex.quote(value)}" for name, value in inputs.items()), rest])


def powershell(value: "str | Sequence[str] | Mapping[str, Any]") -> str:
    """Return a PowerShell literal in which nothing is expanded: in single quotes, with quotes doubled."""
    if isinstance(value, str):
        return "'" + "".join(char * 2 if char in _POWERSHELL_QUOTES else char for char in value) + "'"
    if isinstance(value, Mapping):
        return (
            "@{" + "; ".join(f"{powershell(key)} = {powershell(item)}" for key, item in value.items()) + "}"
        )
    return "@(" + ", ".join(powershell(item) for item in value) + ")"
