"""Facts about the service in an image's label: enough to write manifests and to check it without its
files.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from . import msi_iis, rules_data, rules_wcf
from .findings import Finding, Level
from .kinds import Kind
from .oci import LABEL, Image
from .recognise import installed
from .rules_code import is_32
from .subject import Subject, variable

_PAGES = ("default.aspx", "default.htm", "index.html", "index.htm", "default.asp")
_PORT = re.compile(r"(?:https?|net\.tcp)://[^/:]+:(\d+)")
_REFUSED = re.compile(
    r"(password|passwd|pwd|secret|api[._-]?key|access[._-]?key|token|connstr_)", re.IGNORECASE
)


def label(subject: Subject, found: Sequence[Finding], ports: list[int], health: str | None) -> dict[str, Any]:
    """Return the facts of the label. Names of settings are in it, values are not."""
    return {
        "version": 1,
        "kind": str(subject.kind),
        "folder": installed(subject.place, ""),
        "framework": max((one.target for one in subject.own if one.target), default=""),
        "bits": 32 if is_32(subject) else 64,
        "ports": ports,
        "health": health,
        "variables": sorted({variable(setting) for setting in subject.settings}),
        "inProcessSession": subject.kind.is_site and rules_data.session_in_process(subject),
        "fixedKey": subject.kind.is_site and rules_data.fixed_key(subject),
        "findings": {one.name: str(one.level) for one in found if one.level is not Level.TOLD},
    }


def of(image: Image) -> dict[str, Any] | None:
    """Return the facts of an image, or None if this command did not make it."""
    written = ((image.config.get("config") or {}).get("Labels") or {}).get(LABEL)
    return json.loads(written) if written else None


def ports(subject: Subject, given: list[int]) -> list[int]:
    """Return the ports that the service listens on: 80 for a site, 808 for net.tcp, those of the addresses
    of a host.
    """
    if given:
        return given
    if subject.kind.is_site:
        return [80, 808] if rules_wcf.uses_tcp(subject) else [80]
    if subject.kind is Kind.CONSOLE:
        return []
    texts = [setting.value for setting in subject.settings]
    texts += [element.get("baseAddress") or "" for config in subject.configs for element in config.all("add")]
    texts += list(subject.main.strings) if subject.main else []
    return sorted({int(match[1]) for text in texts if (match := _PORT.match(text))})


def health(subject: Subject, given: str | None) -> str | None:
    """Return the path of the probes: the default document, a service, or a page."""
    if given or not subject.kind.is_site:
        return given
    root = msi_iis.path_of(subject.source.msi, subject.place) if subject.source.msi else "/"
    return f"{root.rstrip('/')}{_page(subject)}"


def _page(subject: Subject) -> str:
    pages = {path.lower(): path for path in subject.tree.top()}
    if any(page in pages for page in _PAGES) or "global.asax" in pages:
        return "/"
    services = subject.tree.named(".svc")
    if services:
        return f"/{rules_wcf.start_page(subject, services[0]) or services[0]}"
    found = subject.tree.named(".aspx", ".asmx", ".html")
    return f"/{found[0]}" if found else "/"


def is_secret(name: str) -> bool:
    """Whether a variable's name says that its value does not belong into an image."""
    return bool(_REFUSED.search(name))
