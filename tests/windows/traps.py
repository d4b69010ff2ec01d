"""What is known to go wrong on a Windows node, where the code holds it off, and the test that would notice if it did not.

    python -m tests.windows.traps            breaks each line in turn in a copy of the project, and says which test noticed
    python -m tests.windows.traps --table    the table of docs/windows-traps.md

A check that cannot fail proves nothing: traps.yaml names for every trap a text of the project, what it would be without the
care (`good`, `bad`), and the test that must fail on it.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
COPIED = ("__main__.py", "Pulumi.dev.yaml", "Pulumi.yaml", "pyproject.toml", "bom", "docs")
COPIED += ("infra", "microcosm", "rehearsal", "tests", "tools", "userdata", "workloads")
SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Trap:
    """`test` is module::function under tests/; `source` says who found out."""

    part: str
    what: str
    source: str
    file: str
    good: str
    bad: str
    test: str


TRAPS = tuple(
    Trap(part=part, **entry) for part, entries in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text()).items() for entry in entries
)


def copy_of_the_project(folder: Path) -> None:
    """All that the tests read, in a place where it can be broken."""
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def survivor(trap: Trap, copy: Path) -> str:
    """The sentence about a trap that is not held, or nothing: the test must not pass on what is broken."""
    path = copy / trap.file
    text = path.read_text()
    path.write_text(text.replace(trap.good, trap.bad))
    try:
        noticed = run_tests([trap.test], copy).returncode != 0
    finally:
        path.write_text(text)
    return "" if noticed else f"NOT HELD: {trap.what}: {trap.test} passes although {trap.file} is broken"


def run_tests(tests: Collection[str], copy: Path) -> "subprocess.CompletedProcess[str]":
    """Whatever their markers: a test that is left out would pass as one that noticed, and in the whole copy as one that passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "", "-p", "no:cacheprovider", *(f"tests/{test}" for test in tests)]
    return subprocess.run(command, cwd=copy, env=_environment(copy), capture_output=True, text=True, timeout=SECONDS, check=False)


def _environment(copy: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


def table() -> str:
    """In Markdown, a heading a part."""
    parts = dict.fromkeys(trap.part for trap in TRAPS)
    return "\n".join(_table_of(part, [trap for trap in TRAPS if trap.part == part]) for part in parts)


def _table_of(part: str, traps: list[Trap]) -> str:
    rows = [f"| {trap.what} | {trap.source} | `{trap.file}` | `{trap.test.rpartition('::')[2].removeprefix('test_')}` |" for trap in traps]
    head = [f"### {part[0].upper()}{part[1:]}", "", "| what goes wrong | source | held by | noticed by |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def main(arguments: list[str]) -> int:
    """0 when every break is noticed, 1 when one is not, 2 for a wrong argument."""
    if arguments == ["--table"]:
        print(table(), end="")
        return 0
    if arguments:
        print("usage: python -m tests.windows.traps [--table]", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_of_the_project(copy)
        whole = run_tests({trap.test for trap in TRAPS}, copy)
        if whole.returncode:  # else a test that always fails would seem to notice
            print(f"the tests must pass before anything is broken:\n{whole.stdout}", file=sys.stderr)
            return 1
        found = [_told(trap, survivor(trap, copy)) for trap in TRAPS]
    print(f"{found.count('')} of {len(TRAPS)} traps are held")
    return int(found.count("") < len(TRAPS))


def _told(trap: Trap, sentence: str) -> str:
    print(sentence or f"held: {trap.what}", flush=True)
    return sentence


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
