"""Rules on assemblies that a service refers to: in its code, in its configuration, and as a database
provider.
"""

import re
from collections.abc import Iterator

from . import framework
from .configs import tag
from .findings import Finding, refused, warned
from .rules_types import third_party
from .subject import Subject

# Assemblies that an installer puts into the GAC, with what to do.
_INSTALLED = (
    ("crystaldecisions.", "Crystal Reports", "its runtime must be installed in an own base"),
    ("microsoft.reportviewer.", "ReportViewer", "add its NuGet package, which puts it into bin"),
    ("microsoft.sqlserver.types", "SQL CLR types", "add its NuGet package, which puts it into bin"),
    ("oracle.dataaccess", "Oracle's client", "use Oracle.ManagedDataAccess, which needs no installation"),
    ("ibm.data.", "IBM's client", "its client must be installed in an own base"),
    ("microsoft.practices.", "Enterprise Library", "add its NuGet packages, which put it into bin"),
    ("sap.connector", "SAP's connector", "copy it into bin"),
)
# `Namespace.Type, Assembly, Version=…` as the framework loads it.
_TYPE = re.compile(r"^[\w.+`\[\]]+\s*,\s*([\w.-]+)\s*(?:,|$)")
# ASP.NET compiles these assemblies of the site's own sources.
_COMPILED = ("app_code", "app_global.asax", "app_web", "app_subcode", "__code")
# The compilers have a finding of their own.
_LEFT = ("compiler", "codedom")
# Providers of connection strings, with the assembly that brings each.
_PROVIDERS = {
    "oracle.dataaccess.client": "Oracle.DataAccess",
    "oracle.manageddataaccess.client": "Oracle.ManagedDataAccess",
    "mysql.data.mysqlclient": "MySql.Data",
    "npgsql": "Npgsql",
    "system.data.sqlite": "System.Data.SQLite",
    "system.data.sqlserverce.4.0": "System.Data.SqlServerCe",
    "ibm.data.db2": "IBM.Data.DB2",
    "firebirdsql.data.firebirdclient": "FirebirdSql.Data.FirebirdClient",
    "sap.data.hana": "Sap.Data.Hana",
}


def check(subject: Subject) -> Iterator[Finding]:
    missing: dict[str, str] = {}
    for one in subject.own:
        for name in one.references if not third_party(one.name) else ():
            if not _is_there(subject, name):
                missing.setdefault(name, one.path)
    # Of a site without any library nothing can be said: its assemblies may come in a volume.
    for name, where in _of_configs(subject) if subject.own else ():
        if not _is_there(subject, name):
            missing.setdefault(name, where)
    for name, where in sorted(missing.items()):
        known = next(
            ((title, fix) for start, title, fix in _INSTALLED if name.lower().startswith(start)), None
        )
        if known:
            yield refused(
                "gac-reference",
                where,
                f"it needs {name} ({known[0]}), which is neither in its folder nor in the base",
                known[1],
            )
        else:
            yield warned(
                "gac-reference",
                where,
                f"it refers to {name}, which is neither in its folder nor in the framework (it was in the "
                f"GAC)",
                "copy it into its folder",
            )


def _is_there(subject: Subject, name: str) -> bool:
    return name.lower() in subject.assembly_names or name.lower() in framework.ASSEMBLIES


def _of_configs(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the assemblies that configurations name, with the file of each."""
    for config, attributes in subject.sections("system.web/compilation/assemblies/add"):
        name = attributes.get("assembly", "").partition(",")[0].strip()
        if name not in ("", "*"):
            yield name, config.path
    for config, attributes in subject.sections("connectionStrings/add"):
        name = _PROVIDERS.get(attributes.get("providerName", "").lower())
        if name:
            yield name, config.path
    for config in subject.configs:
        for element in config.root.iter():
            match = _TYPE.match(element.get("type") or "")
            if match and tag(element) not in _LEFT and not match[1].lower().startswith(_COMPILED):
                yield match[1], config.path
