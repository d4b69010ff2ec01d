"""Recognise a service: its kind, the folder it lives in, and its program.

The kind decides base image, start and probes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from . import msi_iis
from .assemblies import Assembly
from .configs import Config
from .kinds import Kind
from .source import Source
from .tree import Tree, join

_PAGES = (
    ".svc",
    ".aspx",
    ".asmx",
    ".ashx",
    ".cshtml",
    ".vbhtml",
    ".asp",
    ".html",
    ".htm",
    "global.asax",
    "precompiledapp.config",
)
_HELPERS = (
    "vshost.exe",
    "csc.exe",
    "vbc.exe",
    "vbcscompiler.exe",
    "createdump.exe",
    "installutil.exe",
    "unins000.exe",
    "elevate.exe",
)
_LISTENERS = (
    "System.ServiceModel.ServiceHost",
    "System.ServiceModel.Web.WebServiceHost",
    "System.Net.HttpListener",
)
_LISTENING = {
    "Microsoft.Owin.Host.HttpListener",
    "Nancy.Hosting.Self",
    "System.Web.Http.SelfHost",
    "Microsoft.Owin.Hosting",
}
SERVICE_BASE = "System.ServiceProcess.ServiceBase"
SITE_ROOT, PROGRAM_ROOT = "inetpub/wwwroot", "app"


@dataclass(frozen=True)
class Home:
    """The service's folder: `tree` is relative to it, `place` is its path below C:."""

    place: str
    tree: Tree


def home(source: Source) -> Home | None:
    """Return the folder of an MSI that holds the service; None of another form, whose folder is the
    source.
    """
    if source.msi is None:
        return None
    folders = [path.rpartition("/")[0] for path in source.tree.named("web.config")]
    folders = folders or [path.rpartition("/")[0] for path in source.tree.named(*_PAGES[:6])]
    folders = folders or [path.rpartition("/")[0] for path in _programs(source.tree)]
    root = msi_iis.site_folder(source.msi)
    if root is not None and source.tree.below(root).files:
        folders = [root]
    if not folders:
        raise UsageError(
            f"{source.name}: it installs neither a site nor a program; hand over the folder of the service"
        )
    place = min(sorted(set(folders)), key=lambda folder: (folder.count("/"), len(folder)))
    return Home(place, source.tree.below(place))


def is_site(tree: Tree) -> bool:
    """Whether a tree is served by IIS: a web.config or a page, and no program with a configuration of its
    own beside it.
    """
    if "web.config" in tree:
        return True
    pages = [path for path in tree.named(*_PAGES) if path.count("/") <= 1]
    return bool(pages) and not [path for path in _programs(tree) if "/" not in path]


def _programs(tree: Tree) -> list[str]:
    return [
        path
        for path in tree.named(".exe")
        if not path.lower().endswith(_HELPERS) and "roslyn/" not in path.lower()
    ]


def program(tree: Tree, wanted: str | None, services: Sequence[str], name: str) -> str:
    """Return the path of the program: the one that the user or the MSI's service names, or the only
    candidate.
    """
    found = [path for path in _programs(tree) if "/" not in path] or _programs(tree)
    if wanted:
        chosen = tree.find(wanted)
        if not chosen:
            raise UsageError(
                f"{name}: it has no program {wanted}; its programs are {', '.join(found) or 'none'}"
            )
        return chosen
    named = [path for path in services if path in tree]
    configured = [path for path in found if f"{path}.config" in tree]
    for candidates in (named, found, configured):
        if len(candidates) == 1:
            return candidates[0]
    inside = sorted(
        {path.rpartition("/")[0] for path in tree.named("web.config")},
        key=lambda folder: (folder.count("/"), folder),
    )
    if not found and any(inside):
        more = f", and {inside[1]} with --app" if len(inside) > 1 else ""
        raise UsageError(f"{name}: its site is in the folder {inside[0]}; hand over that folder{more}")
    if not found:
        raise UsageError(
            f"{name}: neither a site (web.config, a page) nor a program (.exe) is in it; hand over the "
            f"published folder of the service"
        )
    raise UsageError(
        f"{name}: several programs ({', '.join(found[:8])}); name the one to start with --program"
    )


def kind_of_site(tree: Tree, configs: Sequence[Config]) -> Kind:
    """A site with `.svc` files or configured WCF services needs the base with WCF activation."""
    services = any(config.has("system.serviceModel/services/service") for config in configs)
    activated = any(
        config.has("system.serviceModel/serviceHostingEnvironment/serviceActivations/add")
        for config in configs
    )
    return Kind.WCF if tree.named(".svc") or services or activated else Kind.IIS


def kind_of_program(
    main: Assembly | None, all_of: Sequence[Assembly], configs: Sequence[Config], installs_service: bool
) -> Kind:
    """A program that can run as a console program is run so: it ends with its container, and its output is
    the log.
    """
    if installs_service and not (main and _runs_as_console(main)):
        return Kind.SERVICE
    if main and main.uses(SERVICE_BASE) and "OnStart" in main.names and not _runs_as_console(main):
        return Kind.SERVICE
    services = any(config.has("system.serviceModel/services/service") for config in configs)
    listens = main is not None and (main.uses(*_LISTENERS) or bool(_LISTENING & set(main.references)))
    libraries = any(_LISTENING & {one.name.rpartition(".")[0] for one in all_of})
    return Kind.SELF_HOST if services or listens or libraries else Kind.CONSOLE


def _runs_as_console(main: Assembly) -> bool:
    return "Topshelf" in main.references or "System.Environment.get_UserInteractive" in main.members


def place_of(kind: Kind) -> str:
    """Return where the files of a folder or zip go, below C:."""
    return SITE_ROOT if kind.is_site else PROGRAM_ROOT


def installed(place: str, path: str) -> str:
    return "C:\\" + join(place, path).replace("/", "\\")
