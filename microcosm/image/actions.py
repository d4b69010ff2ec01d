"""The actions of `microcosm image`: from the options to what is printed."""

import re
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TransferSpeedColumn

from ..errors import OperatorError, UsageError
from ..output import note, print_json, print_line
from . import bases, build, image_facts, inspect, manifest, oci, package, report, rules_image
from .findings import Finding, Level, settled
from .kinds import Kind
from .source import Source, read, replaced
from .subject import Change, Choices, Subject

_CHANGE = re.compile(r"([A-Za-z][\w.-]*(?:/[A-Za-z][\w.-]*)*)@([A-Za-z_][\w.:-]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A source and the options on how to judge it, as written on the command line."""

    source: str
    kind: Kind | None = None
    program: str | None = None
    base: str | None = None
    base_has: Collection[str] | None = None
    ignore: Collection[str] = ()
    expect: Collection[str] = ()
    parameters: Path | None = None
    properties: Collection[str] = ()
    replace: Collection[str] = ()
    settings: Collection[str] = ()
    writable: Collection[str] = ()
    x86: bool = False
    classic: bool = False
    tls: bool = False
    metadata_from_host: bool = False

    def subject(self, release: str) -> Subject:
        wanted = inspect.Wanted(
            kind=self.kind, program=self.program, base=self.base, base_has=self.base_has, release=release
        )
        return inspect.subject(self._read(), wanted, self._choices())

    def _read(self) -> Source:
        given = package.set_parameters(self.parameters) if self.parameters else None
        source = read(Path(self.source), given, pairs(self.properties, "--property"))
        for path, file in pairs(self.replace, "--replace").items():
            source = replaced(source, path, Path(file))
        return source

    def _choices(self) -> Choices:
        for folder in self.writable:
            if folder[1:2] == ":" or ".." in folder.replace("\\", "/").split("/"):
                raise UsageError(
                    f"--writable {folder}: give a folder below the service's own, such as uploads"
                )
        return Choices(
            expected=frozenset(self.expect),
            ignored=frozenset(self.ignore),
            writable=tuple(self.writable),
            changes=tuple(_change(one) for one in self.settings),
            x86=self.x86,
            classic=self.classic,
            tls=self.tls,
            metadata_from_host=self.metadata_from_host,
        )


def _change(text: str) -> Change:
    match = _CHANGE.fullmatch(text)
    if not match:
        raise UsageError(
            f"--set {text.partition('=')[0]}: write it as SECTION@ATTRIBUTE=VALUE, such as "
            f"system.web/compilation@debug=false"
        )
    if image_facts.is_secret(match[2]):
        raise UsageError(
            f"--set {match[1]}@{match[2]}: by its name it is a secret, and would be in the image; mount the "
            f"file from a Secret"
        )
    return Change(match[1], match[2], match[3])


def check(asked: Asked, release: str, json: bool) -> bool:
    """Print a service, or an image, and its findings; return whether something is refused."""
    if _is_image(asked.source):
        return _check_image(asked.source, release, json)
    subject = asked.subject(release)
    found = findings_of(subject, asked.source)
    _show(asked.source, subject, found, json)
    return inspect.is_refused(found)


def _is_image(source: str) -> bool:
    """Whether SOURCE is meant as an image:

    `oci:FOLDER`, or a name that begins with a registry. A misspelt folder is none.
    """
    host, slash, _ = source.partition("/")
    named = bool(slash) and not host.startswith(".") and (":" in host or "." in host or host == "localhost")
    return source.startswith("oci:") or (named and not Path(source).exists())


def _check_image(reference: str, release: str, json: bool) -> bool:
    images = oci.images(oci.find(reference))
    found = settled(rules_image.check(reference, images, release), ())
    facts = next((facts for one in images if (facts := image_facts.of(one))), None)
    recognised: dict[str, Any] = {
        "image": reference,
        "builds": [one.build for one in images],
        "bytes": max(one.size for one in images),
    }
    if json:
        print_json(report.document({**recognised, "service": facts}, found))
    else:
        report.show_image(reference, recognised, facts, found)
    return inspect.is_refused(found)


def make(asked: Asked, releases: Sequence[str], order: build.Order, json: bool) -> bool:
    """Build the image of each Windows Server; nothing is made or pushed when something is refused.

    Return whether it was.
    """
    order.check()
    if asked.base and len(releases) > 1 and not asked.base.startswith("oci:"):
        note("note: one --base for several --windows: it must be an index that has them all")
    checked = list[tuple[Subject, list[Finding]]]()
    for release in releases:
        subject = asked.subject(release)
        more = _of_applications(asked, subject, order.starting.applications or {})
        checked.append((subject, findings_of(subject, asked.source, more)))
    if any(inspect.is_refused(found) for _, found in checked):
        for subject, found in checked:
            _show(asked.source, subject, found, json)
        note("nothing was built: correct what is refused, or --ignore it by its name")
        return False
    if not json:
        _show(asked.source, *checked[0], json)
    made = [build.image(subject, found, order) for subject, found in checked]
    with _progress(sum(one.layer.size for one in made), quiet=json or not order.push) as (bar, task):
        place, digest = build.deliver(made, order, lambda count: bar.advance(task, count))
    if json:
        print_json(
            {
                **build.document(place, digest, made),
                **report.document(report.facts(checked[0][0]), checked[0][1]),
            }
        )
    else:
        print_line(f"{'pushed' if order.push else 'written'}: {place}@{digest}")
    return True


@contextmanager
def _progress(total: int, quiet: bool) -> Generator[tuple[Progress, TaskID]]:
    columns = ("uploading", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        yield bar, bar.add_task("upload", total=total)


def _show(name: str, subject: Subject, found: list[Finding], json: bool) -> None:
    if json:
        print_json(report.document(report.facts(subject), found))
    else:
        report.show(name, report.facts(subject), found)


def manifests(reference: str, name: str | None, namespace: str | None, replicas: int | None) -> None:
    """Print manifests for an image; refuse to print what an own rule objects to."""
    stored = oci.find(reference)
    images = oci.images(stored)
    objects = manifest.documents(name or _name(stored.pinned), stored.pinned, images, replicas, namespace)
    release = bases.release_of(images[0].build) if len(images) == 1 else None
    for one in manifest.findings(objects, bases.build(release) if release else None):
        raise OperatorError(
            f"a rule objects to the manifests ({one}); this is a defect of microcosm, please report it"
        )
    print_line(manifest.text(objects, image_facts.of(images[0]) or {}))


def _name(reference: str) -> str:
    last = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return re.sub(r"[^a-z0-9-]", "-", last).strip("-")[:52] or "service"


def _of_applications(asked: Asked, subject: Subject, applications: Mapping[str, Path]) -> list[Finding]:
    """Return what is refused or warned of in further applications, on the base of the site."""
    found = list[Finding]()
    for path, folder in sorted(applications.items()):
        # The start script writes settings of the site itself alone.
        for_site = {
            "kind": None,
            "program": None,
            "parameters": None,
            "properties": (),
            "replace": (),
            "settings": (),
            "writable": (),
            "expect": (),
        }
        one = replace(asked, source=str(folder), base=subject.base.reference, **for_site)
        inner = one.subject(subject.base.release)
        if not inner.kind.is_site:
            raise UsageError(
                f"--app {path}={folder}: it has neither a web.config nor a page; an application of IIS is a "
                f"site"
            )
        worse = [finding for finding in inspect.findings(inner) if finding.level is not Level.TOLD]
        found += [replace(finding, where=f"{path}: {finding.where}") for finding in worse]
    return found


def findings_of(subject: Subject, name: str, more: Collection[Finding] = ()) -> list[Finding]:
    """Return the findings; a name to ignore that nothing has is a mistake of the user."""
    found = settled([*inspect.findings(subject), *more], ())
    unknown = inspect.unknown_names(subject.choices.ignored, found)
    if unknown:
        names = ", ".join(sorted({one.name for one in found})) or "none"
        raise UsageError(
            f"--ignore {unknown[0]}: no finding of {name} has this name; their names are {names}"
        )
    return found


def pairs(given: Collection[str], option: str) -> dict[str, str]:
    """Split NAME=VALUE texts. The value is not repeated in the error: it may be a secret."""
    for one in given:
        if "=" not in one or one.startswith("="):
            raise UsageError(f"{option} {one.partition('=')[0]}: write it as NAME=VALUE")
    return {one.partition("=")[0]: one.partition("=")[2] for one in given}
