"""Inputs of the start script: app.json, beside the script in C:\\microcosm, and LogMonitor with its
configuration.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import UsageError
from . import msi_iis, msi_registry, rules_msi, rules_site, rules_wcf
from .kinds import Kind
from .msi_folders import windows
from .recognise import SITE_ROOT, installed
from .rules_code import is_32
from .rules_files import log_targets, writable
from .subject import Subject
from .tree import File, Tree, join, merged

FOLDER = "microcosm"
ENTRYPOINT = [
    "powershell.exe",
    "-NoProfile",
    "-ExecutionPolicy",
    "Bypass",
    "-File",
    f"C:\\{FOLDER}\\start.ps1",
]
LOGMONITOR = "LogMonitor"
FONTS = "Windows/Fonts"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The user's additions to the start."""

    applications: Mapping[str, Path] | None = None
    event_sources: Collection[str] = ()
    service_name: str | None = None
    arguments: Collection[str] = ()
    fonts: Path | None = None
    logmonitor: Path | None = None
    logmonitor_sha256: str | None = None


def files(subject: Subject, options: Options) -> Tree:
    """Return everything that goes into the layer, by its path below C:."""
    service = subject.source.tree if subject.source.msi else subject.tree.under(subject.place)
    more = [_application(path, folder) for path, folder in (options.applications or {}).items()]
    own = {**scripts(), "app.json": _json(app(subject, options))}
    ours = Tree({f"{FOLDER}/{name}": File.of(data) for name, data in own.items()})
    return merged([service, *more, ours, fonts(options).under(FONTS), _logs(subject, options)])


def scripts() -> dict[str, bytes]:
    """Return the start script and the part that writes settings, by their names in C:\\microcosm."""
    folder = resources.files("microcosm.image") / "assets"
    return {name: (folder / name).read_bytes() for name in ("start.ps1", "settings.ps1")}


def writable_folders(subject: Subject) -> list[str]:
    """Return the folders that get Modify for IIS_IUSRS, by their paths below C:."""
    empty = (
        subject.source.empty
        if subject.source.msi
        else [join(subject.place, folder) for folder in subject.source.empty]
    )
    own = writable(subject) if subject.kind.is_site else [folder for folder, _ in log_targets(subject)]
    return [*(join(subject.place, folder) for folder in own), *empty]


def app(subject: Subject, options: Options) -> dict[str, Any]:
    """Return the facts that the start script acts on.

    Every key is always there: the script runs in strict mode.
    """
    msi = subject.source.msi
    config = "web.config" if subject.kind.is_site else f"{subject.program}.config"
    iis = msi_iis.facts(msi, subject.place)
    more = [{"path": path, "folder": windows(_place(path))} for path in sorted(options.applications or {})]
    return {
        "kind": str(subject.kind),
        "folder": installed(subject.place, "") if iis["root"] == "/" else windows(SITE_ROOT),
        "root": iis["root"],
        "home": join(subject.place, subject.program.rpartition("/")[0]),
        "program": join(subject.place, subject.program),
        "arguments": list(options.arguments),
        "config": join(subject.place, subject.tree.find(config) or config),
        "x86": is_32(subject),
        "classic": subject.choices.classic or (msi is not None and msi_iis.is_classic(msi)),
        "set": [asdict(change) for change in subject.choices.changes],
        "unlock": rules_site.locked_sections(subject) if subject.kind.is_site else [],
        "netTcp": subject.kind is Kind.WCF and rules_wcf.uses_tcp(subject),
        "metadataFromHost": subject.choices.metadata_from_host,
        "applications": more + iis["applications"],
        "folders": iis["folders"],
        "registry": (msi_registry.values(msi) if msi else []) + [_font(name) for name in fonts(options)],
        "eventSources": sorted(options.event_sources),
        "services": _services(subject, options) if subject.kind is Kind.SERVICE else [],
    }


def _services(subject: Subject, options: Options) -> list[dict[str, str]]:
    msi = subject.source.msi
    found = rules_msi.services(msi) if msi else []
    made = [
        {
            "name": one["name"],
            "title": one["title"],
            "command": f'"{windows(one["program"])}" {one["arguments"]}'.strip(),
        }
        for one in found
        if one["program"]
    ]
    if made:
        return made
    name = options.service_name or subject.program.rpartition("/")[2].rpartition(".")[0]
    arguments = " ".join(options.arguments)
    return [
        {
            "name": name,
            "title": name,
            "command": f'"{installed(subject.place, subject.program)}" {arguments}'.strip(),
        }
    ]


def fonts(options: Options) -> Tree:
    """Return the fonts to install, by their names in C:\\Windows\\Fonts."""
    if options.fonts is None:
        return Tree({})
    found = sorted(
        path for path in options.fonts.glob("*") if path.suffix.lower() in (".ttf", ".ttc", ".otf")
    )
    if not found:
        raise UsageError(f"--fonts {options.fonts}: no .ttf, .ttc or .otf file is in this folder")
    return Tree({path.name: File(path.stat().st_size, path.read_bytes) for path in found})


def _font(name: str) -> dict[str, str]:
    title = f"{name.rpartition('.')[0]} (TrueType)"
    return {
        "key": "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Fonts",
        "name": title,
        "type": "REG_SZ",
        "data": name,
    }


def _place(path: str) -> str:
    return join("inetpub", path.strip("/").replace("/", "-") or "site")


def _application(path: str, folder: Path) -> Tree:
    from .source import read

    return read(folder).tree.under(_place(path))


def _logs(subject: Subject, options: Options) -> Tree:
    """LogMonitor, if it is given: it is in no registry, so its sum is the user's word for which one it is."""
    if options.logmonitor is None:
        return Tree({})
    try:
        data = options.logmonitor.read_bytes()
    except OSError as problem:
        raise UsageError(
            f"--logmonitor {options.logmonitor}: cannot be read ({problem.strerror})"
        ) from problem
    found = hashlib.sha256(data).hexdigest()
    if found != (options.logmonitor_sha256 or "").lower():
        raise UsageError(
            f"--logmonitor {options.logmonitor}: its sum is {found}; give the published one as "
            f"--logmonitor-sha256"
        )
    config = _json(log_config(subject))
    return Tree(
        {
            f"{LOGMONITOR}/LogMonitor.exe": File.of(data),
            f"{LOGMONITOR}/LogMonitorConfig.json": File.of(config),
        }
    )


def log_config(subject: Subject) -> dict[str, Any]:
    """Return LogMonitor's configuration: errors and warnings of the event log, and of a site the files of
    IIS.

    Every folder that it names is in the layer or made by the start script: for one that is missing LogMonitor
    waits 300 s and fails.
    """
    channels = [
        {"name": name, "level": level} for name, level in (("system", "Error"), ("application", "Warning"))
    ]
    sources: list[dict[str, Any]] = [
        {"type": "EventLog", "startAtOldestRecord": True, "eventFormatMultiLine": False, "channels": channels}
    ]
    if subject.kind.is_site:
        files_of = {
            "directory": "C:\\inetpub\\logs\\LogFiles",
            "filter": "*.log",
            "includeSubdirectories": True,
        }
        sources.append({"type": "File", **files_of})
    for folder, pattern in log_targets(subject):
        sources.append({"type": "File", "directory": installed(subject.place, folder), "filter": pattern})
    return {"LogConfig": {"sources": sources}}


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()
