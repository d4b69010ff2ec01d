"""Rules on settings and connection strings: which there are, and what of them fails in a container.

No value is ever shown.
"""

import re
from collections.abc import Iterator

from . import package
from .configs import Setting
from .findings import Finding, refused, told, warned
from .subject import Subject, variable

_LOCALDB = re.compile(
    r"\(localdb\)|(?:\.|\(local\)|localhost|127\.0\.0\.1)\\sqlexpress|attachdbfilename|user "
    r"instance\s*=\s*true",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"\|datadirectory\||data source\s*=[^;]*\.(?:mdb|accdb|sqlite3?|db3?|sdf)\b", re.IGNORECASE
)
# Drivers and providers with an installation of their own.
_DRIVER = re.compile(
    r"driver\s*=\s*\{(?!sql "
    r"server\})([^}]+)\}|provider\s*=\s*((?:microsoft\.ace|sqlncli|msoledbsql|oraoledb)[^;]*)"
    r"|(?:^|;)\s*dsn\s*=\s*([^;]+)",
    re.IGNORECASE,
)
_SERVER = re.compile(
    r"(?:data source|server|address|addr|network address|host)\s*=\s*(?:tcp:|np:)?([^;,]+)", re.IGNORECASE
)
_LOCAL = re.compile(r"(?:\.|\(local\)|localhost|127\.0\.0\.1|::1)(?:\\.*)?", re.IGNORECASE)
_INTEGRATED = re.compile(r"(?:integrated security|trusted_connection)\s*=\s*(?:true|yes|sspi)", re.IGNORECASE)
_DRIVE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]):[\\/](?!/)")
_UNC = re.compile(r"(?:^|[\s\"'=;])\\\\[A-Za-z0-9_.-]+\\[^\\\s]")
_LOCAL_URL = re.compile(
    r"\b[a-z][a-z0-9.+]*://(?:[^/@\s]*@)?(?:localhost|127\.0\.0\.1)(?=[:/]|$)", re.IGNORECASE
)


def check(subject: Subject) -> Iterator[Finding]:
    for setting in subject.every_setting:
        yield from _of_setting(subject, setting)
    yield from _listed(subject)
    yield from _elsewhere(subject)
    yield from _clients(subject)
    yield from _encrypted(subject)
    yield from _parts(subject)
    for path, problem in subject.broken_configs:
        yield refused(
            "config-unreadable", path, problem, "correct the file: the framework refuses it as well"
        )
    for provider in subject.source.providers:
        what = f"the package also brings {provider}, which is left out"
        yield warned(
            "package-provider",
            subject.source.name,
            what,
            "build that into an own base, or do it with a job of its own",
        )
    for one in subject.source.unfilled:
        # The token of a connection string without a value has a finding of its own.
        if "-Web.config" not in one.name:
            yield warned(
                "parameter-unfilled", one.name, one.reason, "give it in --parameters SetParameters.xml"
            )


def place_of(setting: Setting) -> str:
    return f"{setting.file}, {setting.section} {setting.name}"


def _of_setting(subject: Subject, setting: Setting) -> Iterator[Finding]:
    value, place = setting.value, place_of(setting)
    overwrite = f"give {variable(setting)} to the container"
    if package.tokens(value):
        if not subject.choices.expects(setting):
            yield refused(
                "unfilled-token",
                place,
                "a token of msdeploy was never filled in",
                f"give --parameters SetParameters.xml, or --expect {variable(setting)}",
            )
        return
    if not subject.choices.expects(setting):
        yield from _databases(setting, place, overwrite)
    drives = sorted({found.upper() for found in _DRIVE.findall(value)})
    if drives and not _LOCALDB.search(value):
        other = [drive for drive in drives if drive != "C"]
        what = (
            f"it names drive {other[0]}:, and a container has C: alone"
            if other
            else "it names a folder on C:, which starts empty in each container"
        )
        yield warned(
            "drive-path",
            place,
            what,
            f"{overwrite}; mount a volume on a folder of C:, or name the folder with --writable",
        )
    if _UNC.search(value):
        yield warned(
            "unc-path",
            place,
            "it names a share of another machine, which the pool's identity cannot open",
            f"use the SMB CSI driver, and {overwrite}",
        )
    if setting.section == "appSettings" and _LOCAL_URL.search(value):
        yield warned(
            "localhost-url",
            place,
            "it names this machine, which in a container is the container itself",
            overwrite,
        )


def is_local_server(value: str) -> bool:
    """Whether a connection string names this machine."""
    server = _SERVER.search(value)
    return bool(server and _LOCAL.fullmatch(server[1].strip()))


def _databases(setting: Setting, place: str, overwrite: str) -> Iterator[Finding]:
    if setting.section != "connectionStrings" and not re.search(
        r"(data source|server)\s*=.*;", setting.value, re.IGNORECASE
    ):
        return
    driver = _DRIVER.search(setting.value)
    if driver:
        what = f"it asks for the driver {driver[driver.lastindex or 0]}, which Server Core does not have"
        yield warned(
            "database-driver", place, what, "make an own base that installs it, or use a managed provider"
        )
    if _LOCALDB.search(setting.value):
        yield refused(
            "local-database",
            place,
            "LocalDB, SQL Express or an attached file: no container has them",
            f"use a database server, {overwrite}, and say so with --expect {variable(setting)}",
        )
    elif _FILE.search(setting.value):
        what = "its database is a file: it is lost with the pod, and each replica has its own"
        yield warned("file-database", place, what, f"mount a volume and keep replicas: 1, or {overwrite}")
    elif is_local_server(setting.value):
        yield warned(
            "localhost-server",
            place,
            "its server is this machine, which in a container is the container itself",
            overwrite,
        )
    if _INTEGRATED.search(setting.value) and not _LOCALDB.search(setting.value):
        what = "the database would see the pool's identity, which is no user of a domain"
        yield warned(
            "integrated-security", place, what, f"use a SQL login: {overwrite} from a Secret (or gMSA)"
        )


def _listed(subject: Subject) -> Iterator[Finding]:
    for setting in subject.settings:
        yield told(
            "setting",
            place_of(setting),
            f"overwritten by the variable {variable(setting)}, or by a file of that name in a mounted Secret",
        )


def _elsewhere(subject: Subject) -> Iterator[Finding]:
    """Folders in sections of other libraries: log4net, NHibernate, applicationSettings."""
    for config in (*subject.configs, *subject.library_configs):
        for where, value in config.others():
            drives = sorted({found.upper() for found in _DRIVE.findall(value)} - {"C"})
            if drives:
                yield warned(
                    "drive-path",
                    f"{config.path}, {where}",
                    f"it names drive {drives[0]}:, and a container has C: alone",
                    "use a folder of the service",
                )


def _clients(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        for address in config.attributes("system.serviceModel/client/endpoint", "address"):
            if _LOCAL_URL.search(address):
                what = (
                    "an endpoint that it calls is on this machine, which in a container is the "
                    "container itself"
                )
                yield warned(
                    "localhost-url",
                    f"{config.path}, system.serviceModel/client",
                    what,
                    "mount another file over it",
                )


def _encrypted(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        for element in config.root.iter():
            if element.get("configProtectionProvider"):
                yield refused(
                    "encrypted-section",
                    f"{config.path}, {element.tag}",
                    "it is encrypted for one machine, and no other can read it",
                    "decrypt it there first: aspnet_regiis -pdf SECTION FOLDER",
                )


def _parts(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        for name, path in config.parts():
            if name == "configSource" and path not in subject.tree:
                yield refused(
                    "part-missing",
                    config.path,
                    f"its configSource {path} is not in {subject.source.name}",
                    "publish that file too",
                )
