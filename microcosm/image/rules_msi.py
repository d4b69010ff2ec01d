"""Rules on an MSI: which tables are carried into the image, which are noted, and which are refused."""

from collections.abc import Iterator
from typing import Any

from . import msi_actions
from .findings import Finding, refused, told, warned
from .msi import Package, windows
from .subject import Subject

NOTED = {
    "Shortcut": "shortcuts, which nobody sees in a container",
    "WixFirewallException": "rules of the firewall, which a container does not have",
    "Wix4FirewallException": "rules of the firewall, which a container does not have",
    "ServiceConfig": "restarts of failed services: the kubelet restarts the container",
    "Wix4ServiceConfig": "restarts of failed services: the kubelet restarts the container",
    "MsiServiceConfigFailureActions": "restarts of failed services: the kubelet restarts the container",
    "LaunchCondition": "conditions of the launch, which are not evaluated",
    "RemoveFile": "files to remove, of which a new container has none",
    "Upgrade": "older versions to remove, of which a new container has none",
    "Icon": "icons",
    "Environment": "environment variables: give them with --env",
    "Font": "fonts: the files are carried, and Windows does not register them",
    "PerformanceCategory": "performance counters",
}
# Table: a word for the finding's name, what it asks for, and what to do instead.
REFUSED = {
    "MsiAssembly": ("msi-gac", "puts assemblies into the GAC", "copy them into the service's bin folder"),
    "Class": ("msi-com", "registers COM classes", "use an own base whose Dockerfile registers them"),
    "TypeLib": ("msi-com", "registers COM classes", "use an own base whose Dockerfile registers them"),
    "SelfReg": ("msi-com", "registers COM classes", "use an own base whose Dockerfile registers them"),
    "ODBCDriver": ("msi-odbc", "installs an ODBC driver", "use an own base whose Dockerfile installs it"),
    "ODBCDataSource": ("msi-odbc", "makes an ODBC data source", "use an own base whose Dockerfile makes it"),
    "SqlDatabase": ("msi-sql", "makes a database", "make it with a job of its own"),
    "SqlScript": ("msi-sql", "runs SQL scripts", "run them with a job of their own"),
    "SqlString": ("msi-sql", "runs SQL", "run it with a job of its own"),
    "Wix4SqlScript": ("msi-sql", "runs SQL scripts", "run them with a job of their own"),
    "User": ("msi-user", "makes users", "use an own base whose Dockerfile makes them"),
    "Wix4User": ("msi-user", "makes users", "use an own base whose Dockerfile makes them"),
    "LockPermissions": (
        "msi-permissions",
        "sets permissions of its own",
        "name folders that must be written to with --writable",
    ),
    "MsiLockPermissionsEx": (
        "msi-permissions",
        "sets permissions of its own",
        "name folders that must be written to with --writable",
    ),
    "SecureObjects": (
        "msi-permissions",
        "sets permissions of its own",
        "name folders that must be written to with --writable",
    ),
    "Wix4SecureObject": (
        "msi-permissions",
        "sets permissions of its own",
        "name folders that must be written to with --writable",
    ),
    "XmlFile": (
        "msi-xml",
        "changes XML files while installing",
        "hand over the installed folder, or set the values at start",
    ),
    "XmlConfig": (
        "msi-xml",
        "changes XML files while installing",
        "hand over the installed folder, or set the values at start",
    ),
    "Wix4XmlFile": (
        "msi-xml",
        "changes XML files while installing",
        "hand over the installed folder, or set the values at start",
    ),
    "Wix4XmlConfig": (
        "msi-xml",
        "changes XML files while installing",
        "hand over the installed folder, or set the values at start",
    ),
    "IniFile": ("msi-ini", "changes .ini files while installing", "hand over the installed folder"),
    "MoveFile": ("msi-move", "moves files while installing", "hand over the installed folder"),
    "DuplicateFile": ("msi-move", "copies files while installing", "hand over the installed folder"),
    "Patch": ("msi-patch", "is patched", "hand over an MSI without patches"),
    "Certificate": ("msi-certificate", "installs certificates", "mount them at C:\\microcosm\\certificates"),
    "Wix4Certificate": (
        "msi-certificate",
        "installs certificates",
        "mount them at C:\\microcosm\\certificates",
    ),
}
_PLAIN = (
    "LocalSystem",
    "NT AUTHORITY\\SYSTEM",
    ".\\LocalSystem",
    "NT AUTHORITY\\LocalService",
    "NT AUTHORITY\\NetworkService",
)
_AUTO, _KERNEL = 2, 3


def check(subject: Subject) -> Iterator[Finding]:
    if subject.source.msi is None:
        return
    msi = subject.source.msi
    for name, does, runs in msi_actions.running(msi.database):
        what = f"{does}: {runs}" if runs and not runs.isspace() else does
        yield refused(
            "msi-custom-action",
            name,
            f"the custom action {what}",
            "hand over the installed folder; or --ignore it and do its work at start",
        )
    for table in msi.database.tables:
        if table in REFUSED:
            name, what, fix = REFUSED[table]
            yield refused(name, f"table {table}", f"the MSI {what}", fix)
        elif table in NOTED:
            yield told("msi-noted", f"table {table}", f"left out: {NOTED[table]}")
    yield from _services(msi)
    yield from _conditions(msi)
    for row in _registry(msi):
        value = str(row["Value"] or "")
        if value.startswith(("#x", "#%")) or "[~]" in value:
            yield refused(
                "msi-registry",
                str(row["Key"]),
                "a registry value that is not a plain text or number",
                "write it in an own base's Dockerfile",
            )


def _services(msi: Package) -> Iterator[Finding]:
    for row in services(msi):
        if row["account"] and row["account"] not in _PLAIN:
            yield warned(
                "msi-account",
                row["name"],
                "it was to run as an account of its own; here it runs as LocalSystem",
                "give it the rights at what it uses",
            )
        for needed in row["needs"]:
            yield refused(
                "msi-dependency",
                row["name"],
                f"it needs the service {needed}, which the base does not have",
                "use an own base, or --ignore it",
            )


def _conditions(msi: Package) -> Iterator[Finding]:
    for name in msi.unknown_conditions:
        yield refused(
            "msi-condition",
            name,
            "its condition is not understood",
            "give the property with --property, or --ignore it to install it",
        )
    for name in msi.unanswered:
        yield warned(
            "msi-search",
            name,
            "the MSI looks for it on the machine, and no answer is known",
            f"give --property {name}=VALUE",
        )


def services(msi: Package) -> list[dict[str, Any]]:
    """Return the services that the MSI installs: name, program (path below C:), arguments, account, needs."""
    found = list[dict[str, Any]]()
    files = {row["File"]: row for row in msi.database.rows("File")}
    for row in msi.database.rows("ServiceInstall"):
        component = msi.components.get(str(row["Component_"]))
        if component is None:
            continue
        key = files.get(component["KeyPath"])
        needs = [word for word in msi.text(row["Dependencies"]).split("\0") if word.strip()]
        found.append(
            {
                "name": msi.text(row["Name"]),
                "title": msi.text(row["DisplayName"]) or msi.text(row["Name"]),
                "program": msi.paths.get(str(key["File"])) if key else None,
                "arguments": msi.text(row["Arguments"]),
                "account": msi.text(row["StartName"]),
                "needs": [word for word in needs if word.lower() not in ("http", "tcpip", "rpcss", "eventlog", "lanmanserver", "afd")],
            }
        )
    return found


def _registry(msi: Package) -> list[dict[str, Any]]:
    return [row for row in msi.database.rows("Registry") if row["Component_"] in msi.components]


def registry(msi: Package) -> list[dict[str, str]]:
    """Return the plain registry values of the MSI, for `reg add`: key, name, type and data."""
    found = list[dict[str, str]]()
    roots = {0: "HKLM\\Software\\Classes", 1: "HKCU", 2: "HKLM", 3: "HKU", -1: "HKLM"}
    for row in _registry(msi):
        value = str(row["Value"] or "")
        if value.startswith(("#x", "#%")) or "[~]" in value or row["Name"] in ("+", "-", "*"):
            continue
        number = value.startswith("#") and value[1:].lstrip("-").isdigit()
        data = value[1:] if number else msi.text(value.removeprefix("#") if value.startswith("##") else value)
        key = f"{roots[int(row['Root'] or 0)]}\\{msi.text(row['Key']).strip(chr(92))}"
        if not msi.is_64_component(row["Component_"]) and key.lower().startswith("hklm\\software\\"):
            key = f"HKLM\\Software\\WOW6432Node\\{key[14:]}"
        found.append(
            {
                "key": key,
                "name": msi.text(row["Name"] or ""),
                "type": "REG_DWORD" if number else "REG_SZ",
                "data": data,
            }
        )
    return found


def iis_folders(msi: Package) -> list[dict[str, str]]:
    """Return the applications and virtual folders of WiX's IIS tables: path below the site and folder."""
    found = list[dict[str, str]]()
    for table in ("IIsWebVirtualDir", "Wix4IIsWebVirtualDir"):
        for row in msi.database.rows(table):
            if row.get("Component_") in msi.components:
                found.append(
                    {
                        "path": "/" + str(row["Alias"]).strip("/"),
                        "folder": windows(msi.folders[str(row["Directory_"])]),
                    }
                )
    return found
