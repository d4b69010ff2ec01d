"""Values that an MSI writes into the registry, for `reg add` in the start script.

Source: learn.microsoft.com/windows/win32/msi/registry-table, "Value": the prefixes of a type, and `[~]`
between strings.
"""

from collections.abc import Iterator

from .findings import Finding, refused, warned
from .msi import Package
from .msi_tables import Row

_ROOTS = {0: "HKLM\\Software\\Classes", 1: "HKCU", 2: "HKLM", 3: "HKU"}
_USER, _BY_SCOPE = 1, -1
_LIST = "[~]"
# Rows without a value: they make or remove a key.
_KEYS = ("+", "-", "*")


def _rows(msi: Package) -> list[Row]:
    return [row for row in msi.database.rows("Registry") if row["Component_"] in msi.components]


def _is_joined(row: Row) -> bool:
    """Whether the value is added to a list that the machine already has."""
    value = str(row["Value"] or "")
    return value.startswith(_LIST) or value.endswith(_LIST)


def _root(msi: Package, row: Row) -> int:
    root = int(row["Root"] or 0)
    return root if root != _BY_SCOPE else _USER if msi.is_per_user else 2


def check(msi: Package) -> Iterator[Finding]:
    for row in _rows(msi):
        if _is_joined(row):
            what = "a value that is joined to a list of the machine"
            yield refused("msi-registry", str(row["Key"]), what, "write it in an own base's Dockerfile")
    users = [row for row in _rows(msi) if _root(msi, row) == _USER and row["Name"] not in _KEYS]
    if users:
        what = "a registry value of the user who installs, whom the service does not run as"
        yield warned("msi-user-registry", str(users[0]["Key"]), what, "read it from HKLM")


def values(msi: Package) -> list[dict[str, str]]:
    """Return key, name, type and data of each value."""
    found = list[dict[str, str]]()
    for row in _rows(msi):
        if _is_joined(row) or row["Name"] in _KEYS:
            continue
        kind, data = _typed(msi, str(row["Value"] or ""))
        key = f"{_ROOTS[_root(msi, row)]}\\{msi.text(row['Key']).strip(chr(92))}"
        if not msi.is_64_component(row["Component_"]) and key.lower().startswith("hklm\\software\\"):
            key = f"HKLM\\Software\\WOW6432Node\\{key[14:]}"
        found.append({"key": key, "name": msi.text(row["Name"] or ""), "type": kind, "data": data})
    return found


def _typed(msi: Package, value: str) -> tuple[str, str]:
    if value.startswith("#x"):
        return "REG_BINARY", value[2:]
    if value.startswith("#%"):
        return "REG_EXPAND_SZ", msi.text(value[2:])
    if value.startswith("##"):
        return "REG_SZ", msi.text(value[1:])
    if value.startswith("#") and value[1:].lstrip("-+").isdigit():
        return "REG_DWORD", str(int(value[1:]) & 0xFFFFFFFF)
    if _LIST in value:
        # `\\0` is the separator that `reg add` expects.
        return "REG_MULTI_SZ", "\\0".join(msi.text(part) for part in value.split(_LIST))
    return "REG_SZ", msi.text(value)
