"""Run the WCF service of an image that `microcosm image build` has made: its own C# under Mono.

It stands in for IIS, ASP.NET's compiler and the image's start script, which needs Windows. The code of the
service must stand in its .svc file: ASP.NET pages and compiled sites cannot be served here. Of the start
script it does what concerns the answer: it writes APPSETTING_ and CONNSTR_ variables into the service's
configuration.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

from defusedxml import ElementTree as defused

from rehearsal.windows_node.api import Json
from rehearsal.windows_node.ccauth_host import host
from rehearsal.windows_node.errors import StandinError
from rehearsal.windows_node.image_pull import Pulled

_DIRECTIVE = re.compile(r"<%@\s*ServiceHost\s(?P<words>[^%]*)%>", re.IGNORECASE)
_WORD = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
_SCRIPTS = ("start.ps1", "settings.ps1", "app.json")
# Section, prefix of the variables, and the attributes of an entry.
_SECTIONS = (
    ("appSettings", "APPSETTING_", "key", "value"),
    ("connectionStrings", "CONNSTR_", "name", "connectionString"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A WCF service: its file of C#, its class and contract, and its path below the site."""

    source: Path
    name: str
    contract: str
    path: str


def build_of(config: Json) -> str:
    """Return the Windows build of an image, such as 10.0.17763."""
    return ".".join(str(config.get("os.version", "")).split(".")[:3])


def command(pulled: Pulled, folder: Path, address: str, variables: Mapping[str, str]) -> list[str]:
    """Compile the service of an image and return the command that serves it at the pod's address."""
    app = _app(pulled)
    home = pulled.drive.joinpath(*PureWindowsPath(app["home"].replace("/", "\\")).parts)
    settings = defused.fromstring((pulled.drive / app["config"]).read_bytes())
    service = _service(home, settings, folder)
    executable = host.build(service.source, folder)
    _write_settings(settings, variables)
    # Mono reads NAME.exe.config where IIS reads web.config. The host makes the endpoint; Mono's WCF would
    # fail at a service without `behaviorConfiguration`, which Microsoft's accepts.
    for section in [section for section in settings if section.tag.startswith("system.")]:
        settings.remove(section)
    ElementTree.ElementTree(settings).write(f"{executable}.config", encoding="utf-8", xml_declaration=True)
    return [*host.command(executable, f"http://{address}:80/{service.path}"), service.name, service.contract]


def _app(pulled: Pulled) -> Json:
    """Return the image's app.json; StandinError if Windows would not start the start script."""
    entrypoint = (pulled.config.get("config") or {}).get("Entrypoint") or []
    missing = [name for name in _SCRIPTS if not (pulled.drive / "microcosm" / name).is_file()]
    if not entrypoint or entrypoint[-1] != r"C:\microcosm\start.ps1" or missing:
        starts = entrypoint or "nothing"
        raise StandinError(
            f"accepted are images of `microcosm image build`; this one starts {starts} and lacks {missing}"
        )
    app: Json = json.loads((pulled.drive / "microcosm" / "app.json").read_text())
    if app["kind"] != "wcf":
        raise StandinError(f"a stand-in serves WCF services alone; this image is of the kind {app['kind']}")
    return app


def _service(home: Path, settings: ElementTree.Element, folder: Path) -> Service:
    pages = sorted(home.glob("*.svc"))
    if len(pages) != 1:
        raise StandinError(f"the site has {len(pages)} .svc files; a stand-in serves one")
    text = pages[0].read_text(encoding="utf-8-sig")
    directive = _DIRECTIVE.search(text)
    words = dict(_WORD.findall(directive["words"])) if directive else {}
    code = text[directive.end() :] if directive else ""
    if words.get("Language", "").lower() != "c#" or not code.strip():
        raise StandinError(f"{pages[0].name} holds no C#; a stand-in compiles the code inside of a .svc file")
    endpoint = settings.find(f".//services/service[@name='{words['Service']}']/endpoint")
    if endpoint is None or endpoint.get("binding") != "webHttpBinding":
        raise StandinError(
            f"web.config has no endpoint of {words['Service']} with webHttpBinding, the only one served here"
        )
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "Service.cs"
    source.write_text(code)
    contract = endpoint.get("contract", "")
    return Service(source=source, name=words["Service"], contract=contract, path=pages[0].name)


def _write_settings(settings: ElementTree.Element, variables: Mapping[str, str]) -> None:
    for section, prefix, key, value in _SECTIONS:
        filled = {name: text for name, text in variables.items() if name.startswith(prefix) and text}
        given = {name.removeprefix(prefix): text for name, text in filled.items()}
        for entry in settings.iterfind(f"./{section}/add"):
            if entry.get(key, "") in given:
                entry.set(value, given[entry.get(key, "")])
