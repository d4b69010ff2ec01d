"""From a source to a subject, and from a subject to its findings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..errors import UsageError
from . import (
    assemblies,
    bases,
    configs,
    recognise,
    rules_code,
    rules_data,
    rules_files,
    rules_iis,
    rules_msi,
    rules_publish,
    rules_references,
    rules_secrets,
    rules_settings,
    rules_site,
    rules_types,
    rules_wcf,
)
from .findings import Finding, Level, settled
from .kinds import Kind
from .recognise import Home
from .source import Source
from .subject import Choices, Subject
from .tree import join

RULES = (
    rules_settings,
    rules_iis,
    rules_site,
    rules_wcf,
    rules_data,
    rules_code,
    rules_types,
    rules_files,
    rules_msi,
    rules_publish,
    rules_references,
    rules_secrets,
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The user's choice of kind, program and base."""

    kind: Kind | None = None
    program: str | None = None
    base: str | None = None
    base_has: Collection[str] | None = None
    release: str = "2019"


def subject(source: Source, wanted: Wanted, choices: Choices) -> Subject:
    """Recognise a source: its kind, its folder, its program, and the base that it gets."""
    home = recognise.home(source) or Home("", source.tree)
    site = wanted.kind.is_site if wanted.kind else recognise.is_site(home.tree)
    services = rules_msi.services(source.msi) if source.msi else []
    programs = [
        service["program"][len(home.place) :].strip("/") for service in services if service["program"]
    ]
    program = "" if site else recognise.program(home.tree, wanted.program, programs, source.name)
    parsed, broken = configs.read_all(home.tree, "" if site else program)
    found, unreadable = assemblies.read_all(home.tree)
    if site:
        parsed = [config for config in parsed if not config.path.lower().endswith(".exe.config")]
        kind = recognise.kind_of_site(home.tree, parsed)
    else:
        main = next((one for one in found if one.path == program), None)
        kind = recognise.kind_of_program(main, found, parsed, bool(services))
    kind = wanted.kind or kind
    for config in parsed:
        if config.is_root or not kind.is_site:
            for change in choices.changes:
                configs.change(config, change.section, change.attribute, change.value)
    if kind.is_site and not site:
        raise UsageError(f"{source.name}: --kind {kind} needs a web.config or a page in it")
    return Subject(
        source=source,
        kind=kind,
        program=program,
        place=home.place if source.msi else recognise.place_of(kind),
        tree=home.tree,
        configs=parsed,
        broken_configs=broken,
        assemblies=found,
        broken_assemblies=unreadable,
        base=_base(kind, wanted),
        choices=choices,
    )


def _base(kind: Kind, wanted: Wanted) -> bases.Base:
    unknown = sorted(set(wanted.base_has or ()) - set(bases.features()))
    if unknown:
        raise UsageError(f"--base-has {unknown[0]}: no such feature; known are {', '.join(bases.features())}")
    if wanted.base:
        return bases.named(wanted.base, wanted.release, wanted.base_has)
    base = bases.published(kind.family, wanted.release)
    return bases.named(base.reference, wanted.release, wanted.base_has)


def findings(subject: Subject) -> list[Finding]:
    """Return all findings, worst first, with those that the user ignores made milder."""
    return settled((found for rule in RULES for found in rule.check(subject)), subject.choices.ignored)


def unknown_names(ignored: Iterable[str], found: Collection[Finding]) -> list[str]:
    """Return the names to ignore that no finding has: a misspelt one would otherwise go unnoticed."""
    return sorted(set(ignored) - {one.name for one in found})


def is_refused(found: Iterable[Finding]) -> bool:
    return any(one.level is Level.REFUSED for one in found)


def place(subject: Subject, path: str) -> str:
    return join(subject.place, path)
