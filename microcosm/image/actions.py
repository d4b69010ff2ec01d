"""The actions of `microcosm image`: from the options to what is printed."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..output import print_json
from . import inspect, package, report
from .findings import Finding
from .kinds import Kind
from .source import Source, read
from .subject import Choices, Subject


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asks for about a source, as written on the command line."""

    source: str
    kind: Kind | None = None
    program: str | None = None
    base: str | None = None
    base_has: Collection[str] | None = None
    ignore: Collection[str] = ()
    expect: Collection[str] = ()
    parameters: Path | None = None
    properties: Collection[str] = ()
    writable: Collection[str] = ()
    classic: bool = False
    tls: bool = False
    metadata_from_host: bool = False

    def subject(self, release: str) -> Subject:
        wanted = inspect.Wanted(kind=self.kind, program=self.program, base=self.base, base_has=self.base_has, release=release)
        return inspect.subject(self._read(), wanted, self._choices())

    def _read(self) -> Source:
        given = package.set_parameters(self.parameters) if self.parameters else None
        return read(Path(self.source), given, pairs(self.properties, "--property"))

    def _choices(self) -> Choices:
        for folder in self.writable:
            if folder[1:2] == ":" or ".." in folder.replace("\\", "/").split("/"):
                raise UsageError(f"--writable {folder}: give a folder below the service's own, such as uploads")
        return Choices(
            expected=frozenset(self.expect),
            ignored=frozenset(self.ignore),
            writable=tuple(self.writable),
            classic=self.classic,
            tls=self.tls,
            metadata_from_host=self.metadata_from_host,
        )


def check(asked: Asked, release: str, json: bool) -> bool:
    """Print a service and its findings; return whether something is refused."""
    subject = asked.subject(release)
    found = findings_of(subject, asked.source)
    if json:
        print_json(report.document(report.facts(subject), found))
    else:
        report.show(asked.source, report.facts(subject), found)
    return inspect.is_refused(found)


def findings_of(subject: Subject, name: str) -> list[Finding]:
    """Return the findings; a name to ignore that nothing has is a mistake of the user."""
    found = inspect.findings(subject)
    unknown = inspect.unknown_names(subject.choices.ignored, found)
    if unknown:
        names = ", ".join(sorted({one.name for one in found})) or "none"
        raise UsageError(f"--ignore {unknown[0]}: no finding of {name} has this name; their names are {names}")
    return found


def pairs(given: Collection[str], option: str) -> dict[str, str]:
    """Split NAME=VALUE texts. The value is not repeated in the error: it may be a secret."""
    for one in given:
        if "=" not in one or one.startswith("="):
            raise UsageError(f"{option} {one.partition('=')[0]}: write it as NAME=VALUE")
    return {one.partition("=")[0]: one.partition("=")[2] for one in given}
