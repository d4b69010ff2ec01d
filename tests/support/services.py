"""Services for the tests: files in memory, assemblies as their headers say, and an MSI as its tables say."""

from collections.abc import Mapping
from typing import Any

from microcosm.image import inspect
from microcosm.image.assemblies import Assembly
from microcosm.image.findings import Finding, Level
from microcosm.image.inspect import Wanted
from microcosm.image.msi import Package
from microcosm.image.source import Source
from microcosm.image.subject import Choices, Subject
from microcosm.image.tree import File, Tree

CANARY = "c4n4ry-7f3a"


def tree(**files: str | bytes) -> Tree:
    return files_of(files)


def files_of(files: Mapping[str, str | bytes]) -> Tree:
    return Tree(
        {path: File.of(data if isinstance(data, bytes) else data.encode()) for path, data in files.items()}
    )


def config(*sections: str) -> str:
    return f'<?xml version="1.0"?>\n<configuration>{"".join(sections)}</configuration>'


def web(*system_web: str) -> str:
    return config(f"<system.web>{''.join(system_web)}</system.web>")


def server(*system_web_server: str) -> str:
    return config(f"<system.webServer>{''.join(system_web_server)}</system.webServer>")


def model(*system_service_model: str) -> str:
    return config(f"<system.serviceModel>{''.join(system_service_model)}</system.serviceModel>")


def connection(value: str, name: str = "Main") -> str:
    return config(f'<connectionStrings><add name="{name}" connectionString="{value}"/></connectionStrings>')


def setting(key: str, value: str) -> str:
    return config(f'<appSettings><add key="{key}" value="{value}"/></appSettings>')


def assembly(path: str, **facts: Any) -> Assembly:
    """A managed assembly for AnyCPU and .NET 4, with these facts."""
    defaults = {"machine": 0x14C, "clr": "v4.0.30319", "references": {"mscorlib": "4.0.0.0"}}
    return Assembly(path=path, **{**defaults, **facts})


def subject(
    files: Tree | Mapping[str, str | bytes], *found: Assembly, wanted: Wanted | None = None, **choices: Any
) -> Subject:
    """A folder as it is recognised; `found` are its assemblies instead of what would be read from bytes."""
    content = files if isinstance(files, Tree) else files_of(files)
    content = Tree({**content.files, **{one.path: File.of(b"") for one in found}})
    recognised = inspect.subject(Source("folder", "service", content), wanted or Wanted(), Choices(**choices))
    fields = {name: getattr(recognised, name) for name in recognised.__dataclass_fields__}
    return Subject(**{**fields, "assemblies": [*found], "broken_assemblies": []})


def findings(
    files: Tree | Mapping[str, str | bytes], *found: Assembly, wanted: Wanted | None = None, **choices: Any
) -> list[Finding]:
    return inspect.findings(subject(files, *found, wanted=wanted, **choices))


def names(found: list[Finding], *levels: Level) -> list[str]:
    """The names of the findings of these levels; by default of all that are more than a fact."""
    return [one.name for one in found if one.level in (levels or (Level.REFUSED, Level.WARNED))]


class FakeDatabase:
    """The tables of an MSI as msi_tables.Database gives them; tests with wixl compare that one with
    msiinfo.
    """

    def __init__(self, tables: Mapping[str, list[dict[str, Any]]], template: str = "x64") -> None:
        self.name, self._tables, self.template = "service.msi", tables, template

    @property
    def tables(self) -> list[str]:
        return sorted(self._tables)

    def __contains__(self, table: str) -> bool:
        return table in self._tables

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self._tables.get(table, [])


def package(
    beside: Any = None,
    given: Mapping[str, str] | None = None,
    template: str = "x64",
    **tables: list[dict[str, Any]],
) -> Package:
    """An MSI that puts a site with one file into C:\\Site, changed by these tables."""
    base: dict[str, list[dict[str, Any]]] = {
        "Directory": [
            {"Directory": "TARGETDIR", "Directory_Parent": None, "DefaultDir": "SourceDir"},
            {"Directory": "SITE", "Directory_Parent": "TARGETDIR", "DefaultDir": "SITE~1|Site"},
        ],
        "Component": [
            {"Component": "C", "Directory_": "SITE", "Attributes": 256, "Condition": None, "KeyPath": "F"}
        ],
        "Feature": [{"Feature": "Main", "Level": 1}],
        "FeatureComponents": [{"Feature_": "Main", "Component_": "C"}],
        "File": [{"File": "F", "Component_": "C", "FileName": "WEB~1.CON|web.config"}],
    }
    return Package(FakeDatabase({**base, **tables}, template), given or {}, beside)  # type: ignore[arg-type]


def msi_findings(msi: Package, **choices: Any) -> list[Finding]:
    content = files_of(dict.fromkeys(msi.paths.values(), "<configuration/>"))
    return inspect.findings(
        inspect.subject(Source("msi", "service.msi", content, msi), Wanted(), Choices(**choices))
    )
