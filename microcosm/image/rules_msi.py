"""Rules on an MSI: which tables are carried into the image, which are noted, and which are refused."""

import re
from collections.abc import Iterator
from typing import Any

from . import msi_actions, msi_iis, msi_registry
from .findings import Finding, refused, told, warned
from .msi import Package
from .msi_tables import Row
from .subject import Subject

NOTED = {
    "Shortcut": "shortcuts, which nobody sees in a container",
    "FirewallException": "rules of the firewall, which a container does not have",
    "ServiceConfig": "restarts of failed services: the kubelet restarts the container",
    "MsiServiceConfigFailureActions": "restarts of failed services: the kubelet restarts the container",
    "LaunchCondition": "conditions of the launch, which are not evaluated",
    "RemoveFile": "files to remove, of which a new container has none",
    "Upgrade": "older versions to remove, of which a new container has none",
    "Icon": "icons",
    "Environment": "environment variables: give them with --env",
    "Font": "fonts: the files are carried, and Windows does not register them",
    "PerformanceCategory": "performance counters",
}
_ON_BASE = "use an own base whose Dockerfile does it"
_FOLDER = "hand over the installed folder"
_PERMISSIONS = "name folders that must be written to with --writable"
_CERTIFICATE = "mount them at C:\\microcosm\\certificates"
# WiX 4 and 5 have the tables of their extensions as `Wix4…` and `Wix5…`, WiX 3 some as `Wix…`.
_MAKER = re.compile(r"^Wix\d*(?=[A-Z])")
# Name of the finding, what the MSI does, what to do instead, and the tables.
_ACTS = (
    ("msi-gac", "puts assemblies into the GAC", "copy them into the service's bin folder", ("MsiAssembly",)),
    ("msi-com", "registers COM classes", _ON_BASE, ("Class", "TypeLib", "SelfReg")),
    ("msi-odbc", "sets up ODBC", _ON_BASE, ("ODBCDriver", "ODBCDataSource")),
    (
        "msi-sql",
        "changes a database",
        "do it with a job of its own",
        ("SqlDatabase", "SqlScript", "SqlString"),
    ),
    ("msi-user", "makes users", _ON_BASE, ("User", "Group")),
    ("msi-share", "makes a file share, which a container cannot serve", "use a volume", ("FileShare",)),
    (
        "msi-permissions",
        "sets permissions",
        _PERMISSIONS,
        ("LockPermissions", "MsiLockPermissionsEx", "SecureObjects"),
    ),
    ("msi-permissions", "sets permissions", _PERMISSIONS, ("SecureObject",)),
    ("msi-xml", "changes XML files while installing", f"{_FOLDER}, or give --set", ("XmlFile", "XmlConfig")),
    ("msi-ini", "changes .ini files while installing", _FOLDER, ("IniFile",)),
    ("msi-move", "moves or copies files while installing", _FOLDER, ("MoveFile", "DuplicateFile")),
    ("msi-patch", "is patched", "hand over an MSI without patches", ("Patch",)),
    ("msi-certificate", "installs certificates", _CERTIFICATE, ("Certificate",)),
    ("msi-chain", "installs further MSIs", "build one service from one MSI", ("MsiEmbeddedChainer",)),
    ("msi-com-plus", "sets up COM+ or MSMQ", _ON_BASE, ("ComPlusApplication", "MessageQueue")),
)
REFUSED = {table: act[:3] for act in _ACTS for table in act[3]}
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
    for name, does, runs in msi_actions.running(msi.database, msi.may_run):
        what = f"{does}: {runs}" if runs and not runs.isspace() else does
        yield refused(
            "msi-custom-action",
            name,
            f"the custom action {what}",
            "hand over the installed folder; or --ignore it and do its work at start",
        )
    for table in msi.database.tables:
        plain = _MAKER.sub("", table)
        if plain in REFUSED and any(_acts(msi, plain, row) for row in msi.database.rows(table)):
            name, what, fix = REFUSED[plain]
            yield refused(name, f"table {table}", f"the MSI {what}", fix)
        elif plain in NOTED:
            yield told("msi-noted", f"table {table}", f"left out: {NOTED[plain]}")
    yield from _services(msi)
    yield from _conditions(msi)
    yield from msi_registry.check(msi)
    yield from msi_iis.check(msi)
    yield from _scope(msi)


def _acts(msi: Package, table: str, row: Row) -> bool:
    """Whether a row does something here.

    An assembly with its application goes beside the program, not into the GAC.
    """
    return msi.installs(row) and not (table == "MsiAssembly" and row.get("File_Application"))


def _scope(msi: Package) -> Iterator[Finding]:
    if msi.is_per_user and any("Users/ContainerAdministrator/" in f"{path}/" for path in msi.paths.values()):
        yield warned(
            "msi-per-user",
            "ALLUSERS",
            "it installs into the folder of a user; here that is the container's administrator, and a "
            "site's pool cannot read there",
            "give --property ALLUSERS=1, or a folder such as --property INSTALLDIR=C:\\app",
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
                "needs": [
                    word
                    for word in needs
                    if word.lower() not in ("http", "tcpip", "rpcss", "eventlog", "lanmanserver", "afd")
                ],
            }
        )
    return found
