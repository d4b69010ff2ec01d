"""The subject of the rules: a service with its configuration, its assemblies and the base image that it is
meant for.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from .assemblies import Assembly
from .bases import Base
from .configs import Config, Setting, part
from .kinds import Kind
from .source import Source
from .tree import Tree

_LIBRARY_CONFIGS = ("nlog.config", "log4net.config", "log4net.xml", "hibernate.cfg.xml", "unity.config")


@dataclass(frozen=True)
class Change:
    """An attribute of the service's configuration that the start script sets."""

    section: str
    attribute: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The user's word on the service, as far as rules ask for it."""

    expected: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    writable: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    x86: bool = False
    classic: bool = False
    tls: bool = False
    metadata_from_host: bool = False

    def expects(self, setting: Setting) -> bool:
        """Whether the user declares that the container gets the value: CONNSTR_NAME or APPSETTING_KEY."""
        return variable(setting).lower() in {name.lower() for name in self.expected}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A service. `tree` is relative to its folder, `place` is that folder's path below C:."""

    source: Source
    kind: Kind
    program: str
    place: str
    tree: Tree
    configs: list[Config]
    broken_configs: list[tuple[str, str]]
    assemblies: list[Assembly]
    broken_assemblies: list[str]
    base: Base
    choices: Choices = field(default_factory=Choices)

    @cached_property
    def library_configs(self) -> list[Config]:
        """The configurations that libraries read beside the service's own."""
        found = [(path, part(self.tree, path)) for path in self.tree.named(*_LIBRARY_CONFIGS)]
        return [Config(path, self.tree, root) for path, root in found if root is not None]

    @cached_property
    def settings(self) -> list[Setting]:
        """The settings of the service itself; those of subfolders' files belong to other applications."""
        return [
            setting
            for config in self.configs
            if config.is_root or not self.kind.is_site
            for setting in config.settings
        ]

    @cached_property
    def every_setting(self) -> list[Setting]:
        return [setting for config in self.configs for setting in config.settings]

    @cached_property
    def main(self) -> Assembly | None:
        return next((one for one in self.assemblies if one.path == self.program), None)

    @cached_property
    def own(self) -> list[Assembly]:
        """The assemblies that the service loads:

        `bin` of a site, the folder of a program; not tools in subfolders.
        """
        inside = "bin/" if self.kind.is_site else self.program.rpartition("/")[0]
        return [
            one
            for one in self.assemblies
            if one.path.lower().startswith(inside)
            and (not self.kind.is_site or not one.path.lower().startswith("bin/roslyn/"))
        ]

    @cached_property
    def loaded(self) -> list[Assembly]:
        """Those in the folder itself: libraries for several processors lie in x86, x64 or runtimes, and
        the service chooses.
        """
        depth = 1 if self.kind.is_site else self.program.count("/")
        referred = {name.lower() for one in self.own for name in one.references}
        here = [one for one in self.own if one.path.count("/") == depth]
        # The pool loads a program only where a library refers to it; another one is a tool of its own
        # process.
        tools = {one.path for one in here if self.kind.is_site and _is_tool(one, referred)}
        return [one for one in here if one.path not in tools]

    def sections(self, path: str) -> Iterator[tuple[Config, dict[str, str]]]:
        """Yield each element at a path with its file; the attributes' names as written."""
        for config in self.configs:
            for element in config.sections(path):
                yield config, dict(element.attrib)

    @cached_property
    def assembly_names(self) -> set[str]:
        """Return the names of the libraries and programs in the folder, those that could not be read as
        well.
        """
        return {
            path.rpartition("/")[2].rpartition(".")[0].lower() for path in self.tree.named(".dll", ".exe")
        }

    def refers(self, *names: str) -> list[Assembly]:
        """Return the assemblies that refer to one of these; a name with `.` at its end stands for all that
        begin so.
        """
        wanted = tuple(name.lower() for name in names)
        return [
            one
            for one in self.own
            if any(
                reference.lower() == name or (name[-1] == "." and reference.lower().startswith(name))
                for reference in one.references
                for name in wanted
            )
        ]


def _is_tool(one: Assembly, referred: Collection[str]) -> bool:
    stem, _, ending = one.name.lower().rpartition(".")
    return ending == "exe" and stem not in referred


def variable(setting: Setting) -> str:
    """Return the environment variable that overwrites a setting.

    A character that Kubernetes refuses there becomes `_`.
    """
    prefix = "APPSETTING_" if setting.section == "appSettings" else "CONNSTR_"
    return prefix + re.sub(r"[^A-Za-z0-9._-]", "_", setting.name)


def truth(value: str | None) -> bool:
    return (value or "").strip().lower() == "true"
