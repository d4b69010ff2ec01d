"""`microcosm lint`: what is wrong with manifests on Windows nodes.

The rules are infra/lint; here are reading, printing and exit code.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Annotated, Any, BinaryIO

import typer
from rich.console import Console
from rich.text import Text

from infra import lint as policy
from infra.config.operating_systems import WINDOWS_RELEASES
from infra.lint import Finding, Severity

from ..output import note, print_json
from . import manifests

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The findings, and how many objects were judged.

    `problems` are what could not be read, `notes` what was read and is odd or not looked into, `others` no
    Kubernetes object.
    """

    findings: Sequence[Finding]
    notes: Sequence[str]
    problems: Sequence[str]
    objects: int
    others: int

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 nothing worse than a warning, 1 an error, 2 something could not be read."""
        return 2 if self.problems else int(self.count(Severity.ERROR) > 0)

    def as_json(self) -> dict[str, Any]:
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
            "problems": list(self.problems),
            "objects": self.objects,
            "others": self.others,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
        }


def lint(paths: Iterable[str], stdin: BinaryIO, *, windows_build: str | None = None) -> Report:
    """Read the paths (files, folders, `-` for standard input) and check all that they hold as the objects
    of one cluster.
    """
    read = manifests.load(list(paths), stdin)
    findings = policy.check_documents(read.documents, windows_build=windows_build)
    notes = [*read.notes, *policy.not_looked_into(read.documents)]
    return Report(
        findings=findings,
        notes=notes,
        problems=read.problems,
        objects=len(read.documents),
        others=read.others,
    )


def print_report(report: Report, console: Console | None = None) -> None:
    """Findings under their objects, then each rule's reason once, then the sum."""
    console = console or Console()
    for (place, name), found in groupby(
        report.findings, key=lambda finding: (_place(finding), finding.object)
    ):
        _print(console, Text.assemble((f"{place}{name}", "bold")))
        for finding in found:
            _print(
                console,
                Text.assemble(
                    "  ",
                    (f"{finding.severity:<7}", STYLES[finding.severity]),
                    f"  {finding.what}  [{finding.rule}]",
                ),
            )
    if report.findings:
        _print(console, Text("\nThe rules", style="bold"))
    for finding in {finding.rule: finding for finding in report.findings}.values():
        _print(console, Text.assemble((f"  {finding.rule}", STYLES[finding.severity]), f"  {finding.why}"))
        _print(console, Text(f"    fix: {finding.fix}"))
        _print(console, Text(f"    {finding.page}", style="dim"))
    _print(console, Text(_sum(report)))


def _place(finding: Finding) -> str:
    return f"{finding.source}:{finding.line}: " if finding.source else ""


def _print(console: Console, text: Text) -> None:
    """One line, whatever the width: it is to be searched and copied."""
    console.print(text, soft_wrap=True, highlight=False)


def _sum(report: Report) -> str:
    counts = (
        f"{_many(report.count(Severity.ERROR), 'error')}, {_many(report.count(Severity.WARNING), 'warning')}"
    )
    left = f"; {_many(report.others, 'document')} left out: not Kubernetes objects" if report.others else ""
    return f"{counts} in {_many(report.objects, 'object')}{left}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _known_release(release: str | None) -> str | None:
    if release is not None and release not in WINDOWS_RELEASES:
        raise typer.BadParameter(f"{release!r} is not one of {', '.join(WINDOWS_RELEASES)}")
    return release


def command(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="FILE|FOLDER|-...", help="Manifests; - is standard input.")
    ] = None,
    windows: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(WINDOWS_RELEASES),
            callback=_known_release,
            help="The Windows Server of the nodes, for what depends on it.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole result as one JSON document.")
    ] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="Print the table of rules (Markdown) and stop.")
    ] = False,
) -> None:
    """Check Kubernetes manifests against what Windows nodes can do, before anything is applied.

    Reads files, folders and standard input; all of it counts as the objects of one cluster. Exit code 1 when
    a rule of severity error is broken, 2 when something cannot be read.

    Example: `helm template CHART | microcosm lint --windows 2019 -`
    """
    if rules:
        print(policy.markdown())
        return
    if not paths:
        raise typer.BadParameter(
            "name at least one file or folder, or - for standard input", param_hint="FILE"
        )
    report = lint(paths, sys.stdin.buffer, windows_build=WINDOWS_RELEASES[windows].build if windows else None)
    for problem in report.problems:
        note(f"error: {problem}")
    for odd in report.notes:
        note(f"note: {odd}")
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


app = typer.Typer(add_completion=False)
app.command("lint")(command)

if __name__ == "__main__":
    app()
