"""`.ci/run` plays every part in order, times each, and ends with the first that fails."""

import re
import shutil
import subprocess

import pytest

from tests.support.engine import PROJECT

PARTS = ["python", "lint", "test", "test-served", "tools", "test-built", "rehearse"]


@pytest.fixture
def checkout(tmp_path):
    """A folder with .ci/run, and programs that only note that they were run."""
    folder = tmp_path / "checkout"
    for path in (".ci/run", ".venv/bin/python", "bin/make"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / ".ci" / "run", folder / ".ci" / "run")
    note = f'#!/bin/sh\necho "$* ${{MICROCOSM_PWSH:-none}}" >>{folder}/noted\n[ "$1" != "$FAILS" ]\n'
    for path in (".venv/bin/python", "bin/make"):
        (folder / path).write_text(note)
        (folder / path).chmod(0o755)
    return folder


def ran(checkout, fails=""):
    environment = {"PATH": f"{checkout}/bin:/usr/bin:/bin", "FAILS": fails}
    return subprocess.run([checkout / ".ci" / "run"], env=environment, capture_output=True, text=True)


def parts(done):
    return [line.split()[0] for line in done.stdout.splitlines() if re.fullmatch(r"\S+ +\d+ s", line)]


def test_every_part_is_played_and_timed(checkout):
    done = ran(checkout)
    assert (done.returncode, parts(done)) == (0, [*PARTS, "all"])
    noted = [line.rsplit(" ", 1) for line in (checkout / "noted").read_text().splitlines()]
    assert [words for words, _ in noted] == [
        "setup",
        "lint",
        "test",
        "test-served",
        "-m rehearsal.build",
        "test-built",
        "rehearse",
    ]
    assert {pwsh for _, pwsh in noted} == {"none"}


def test_the_first_part_that_fails_ends_the_run_and_the_times_are_shown(checkout):
    done = ran(checkout, fails="test-served")
    assert (done.returncode, parts(done)) == (1, ["python", "lint", "test", "test-served", "all"])


def test_powershell_beside_the_checkout_is_used(checkout):
    pwsh = checkout.parent / "shared" / "tools" / "pwsh"
    pwsh.mkdir(parents=True)
    ran(checkout)
    assert (checkout / "noted").read_text().splitlines()[0] == f"setup {pwsh}"
