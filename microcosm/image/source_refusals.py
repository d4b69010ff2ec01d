"""Sources that hold no service: installers, source trees, other archives; and what to hand over instead."""

import re
from pathlib import Path

from ..errors import UsageError
from .tree import Tree

_PROJECTS = (".csproj", ".vbproj", ".fsproj", ".sln", ".slnx", ".vdproj", ".wixproj")
_PUBLISH = (
    "publish it first (msbuild /t:Build /p:DeployOnBuild=true /p:PublishProfile=…) and hand over "
    "the published folder"
)
_SETUP = re.compile(r"(setup|install)[\w.-]*\.exe", re.IGNORECASE)


def of_program(path: Path) -> str:
    data = path.read_bytes()
    if b".wixburn" in data[:4096]:
        return (
            "a WiX bundle (Burn) installs other packages; hand over the .msi inside (`wix burn extract` "
            "or `dark -x` unpacks it)"
        )
    if b"Inno Setup" in data:
        return (
            "an Inno Setup installer is a program; hand over the folder that it installs (innoextract "
            "unpacks it)"
        )
    if b"InstallShield" in data or path.name.lower().startswith("setup"):
        return (
            "a setup program cannot be run here; hand over the .msi inside (`setup.exe /a` unpacks it) "
            "or the installed folder"
        )
    return "a single program; hand over the folder that holds it with its .config and .dll files"


def of_tree(path: Path, tree: Tree) -> None:
    if found := tree.named(".application"):
        raise UsageError(
            f"{path}: {found[0]} is of ClickOnce, which installs desktop programs; hand over the build's "
            f"output folder (bin\\Release)"
        )
    if "AppxManifest.xml" in tree:
        raise UsageError(
            f"{path}: an MSIX package is of a desktop program; hand over the published folder of the service"
        )
    inner = [name for name in tree if name.lower().endswith((".zip", ".nupkg"))]
    if inner and (len(tree) == 1 or any(name.lower().endswith(".deploy.cmd") for name in tree.top())):
        raise UsageError(f"{path}: it holds another archive; hand over {inner[0]} itself")
    installers = [name for name in tree.top() if name.lower().endswith(".msi")]
    if installers and not tree.named("web.config", ".svc", ".aspx", ".exe.config"):
        raise UsageError(f"{path}: it holds an installation; hand over {installers[0]} itself")
    programs = [name for name in tree.top() if name.lower().endswith(".exe")]
    if (
        programs
        and all(_SETUP.fullmatch(name) and f"{name}.config" not in tree for name in programs)
        and "web.config" not in tree
    ):
        raise UsageError(
            f"{path}: {programs[0]} is a setup program; hand over the .msi inside (`setup.exe /a` unpacks "
            f"it) or the installed folder"
        )
    projects = [name for name in tree.named(*_PROJECTS) if name.count("/") <= 2]
    for project in projects:
        below = tree.below(project.rpartition("/")[0])
        if not [
            name
            for name in below
            if name.lower().startswith("bin/") and name.lower().endswith(".dll") and name.count("/") == 1
        ]:
            raise UsageError(f"{path}: a source tree ({project}); {_PUBLISH}")
    packages = tree.find("packages.config")
    if packages and not [name for name in tree.named(".dll") if name.lower().startswith("bin/")]:
        raise UsageError(f"{path}: a source tree ({packages} and no bin\\*.dll); {_PUBLISH}")
