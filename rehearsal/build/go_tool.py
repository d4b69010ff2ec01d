"""Describe a pinned Go module and build its binaries."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.build.modules import TOOLS, lay_out, module_version, output_of, pins_of
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of, link_file, remove_tree


@dataclass(frozen=True, kw_only=True)
class GoTool:
    """One module: which binaries it gives and how the publisher builds them.

    Without `kubernetes` it is the one in tools/`folder`.
    """

    folder: str
    binaries: Mapping[str, str]  # name -> package, "." for the module's own main.go
    system: str = "linux"  # Go's name for what they run on
    tags: str = ""
    stamps: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # linker -X, {version} is the module's, as are {major} and {minor}
    version_of: str = ""  # the module whose version is stamped
    kubernetes: str = ""  # the Kubernetes version whose pins name that module
    sums: str = ""  # what the lines of its repository in their go.sum begin with
    cgo: bool = False
    installed: tuple[str, ...] = ()  # arguments that make an installed program print its version
    version: str = ""  # where go.mod has only a pseudo-version
    path: Path | None = None  # where the module is not under tools/

    @property
    def module(self) -> Path:
        return self.path or (pins_of(self.kubernetes) if self.kubernetes else TOOLS / self.folder)

    @property
    def pins(self) -> tuple[str | Path, ...]:
        """The versions that decide which sources are built."""
        if not self.kubernetes:
            return tuple(
                sorted(
                    path
                    for path in self.module.rglob("*")
                    if path.name in ("go.mod", "go.sum") or path.suffix == ".go"
                )
            )
        lines = (self.module / "go.sum").read_text().splitlines()
        return (self.pinned_version, *(line for line in lines if line.startswith(self.sums)))

    @property
    def name(self) -> str:
        return self.folder if self.system == "linux" else f"{self.folder}-{self.system}"

    @property
    def suffix(self) -> str:
        return ".exe" if self.system == "windows" else ""

    @property
    def pinned_version(self) -> str:
        return self.version or module_version(self.module / "go.mod", self.version_of)

    @property
    def linker_flags(self) -> str:
        version = self.pinned_version
        major, minor, *_ = version.split(".")
        stamps = " ".join(
            f"-X {name}={value.format(version=version, major=major, minor=minor)}"
            for name, value in self.stamps.items()
        )
        return " ".join(filter(None, ("-s -w", "-extldflags -static" if self.cgo else "", stamps)))

    @property
    def command(self) -> tuple[str, ...]:
        tags = ("-tags", self.tags) if self.tags else ()
        return (
            "go",
            "build",
            *tags,
            "-ldflags",
            self.linker_flags,
            "-o",
            "{folder}/",
            *self.binaries.values(),
        )


def tool_step(store: Store, tool: GoTool, go_version: str) -> Step:
    """Build one module's binaries, unless the pinned version is installed already."""
    key = key_of(*tool.pins, *tool.command, str(tool.cgo), go_version)

    def build(folder: Path, run: Run) -> None:
        if not adopt_installed(tool, folder):
            _compile(tool, folder, run)

    return Step(name=f"build {tool.name}", entry=store.entry(tool.name, key), build=build)


def _compile(tool: GoTool, folder: Path, run: Run) -> None:
    module = tool.module
    if tool.kubernetes:
        module = folder / "module"
        lay_out(module, tool.module, tool.version_of)
    command = [word.format(folder=folder) for word in tool.command]
    run(
        command,
        cwd=module,
        env={
            "CGO_ENABLED": "1" if tool.cgo else "0",
            "GOOS": tool.system,
            "GOARCH": "amd64",
            "GOWORK": "off",
        },
    )
    for name, package in tool.binaries.items():
        built = tool.module.name if package == "." else re.sub(r"/v\d+$", "", package).rsplit("/", 1)[-1]
        (folder / f"{built}{tool.suffix}").rename(folder / name)
    if tool.kubernetes:
        remove_tree(module)


def adopt_installed(tool: GoTool, folder: Path) -> bool:
    """Take a program that its own installer put on PATH, or where the engine keeps plugins, if it is the
    pinned version.
    """
    for name in tool.binaries if tool.installed else ():
        program = shutil.which(name)
        if (
            program is None
            or tool.pinned_version not in output_of([program, *tool.installed]).replace("v", " ").split()
        ):
            return False
        link_file(Path(program), folder / name)
    return bool(tool.installed)
