"""README's section "Use it on AWS", word for word: its commands run in a fresh clone, against the fake cloud
with faked machines.

Besides the cloud three things differ from a user's: `make setup` finds its dependencies installed (no index
is asked), the address service is a stand-in, and Pulumi does not ask before it acts. `smoke` must fail here:
pods of faked machines run nothing.
"""

import os
import re
import shutil
import site
import subprocess
import venv
from pathlib import Path

import pytest

from rehearsal.simulated import simulated_world
from tests.support.engine import PROJECT
from tests.support.pulumi_cli import is_there

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_there(), reason="pulumi is not on PATH: put the rehearsal's tools there"),
]
# By the first words of a command: its exit code, and what it must print.
EXPECTED = {
    "make setup": (0, ""),
    "pulumi stack init dev": (0, "Created stack 'dev'"),
    "pulumi up": (0, "created"),
    "(umask 077; pulumi stack output": (0, ""),
    "pulumi stack output pageUrl": (0, "http://127."),
    ".venv/bin/microcosm smoke": (1, "Linux pod -> Windows pod"),
    ".venv/bin/microcosm timeline": (0, "critical path"),
    ".venv/bin/microcosm repair": (0, "nothing was deleted"),
    "pulumi destroy": (0, "deleted"),
    ".venv/bin/microcosm audit": (0, "0 resources left of stack dev"),
}


def commands() -> list[str]:
    """The lines of the section's code blocks."""
    section = re.search(
        r"^## Use it on AWS\n(.*?)^## ", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert section
    return [
        line
        for block in re.findall(r"^```\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]


@pytest.fixture
def clone(tmp_path) -> Path:
    """The tracked files, with an environment that has the dependencies and nothing of the project."""
    folder = tmp_path / "microcosm"
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(folder)], check=True)
    # Everything that the lock file names is found through dependencies.pth, but pip itself, which a new
    # environment brings along.
    lock = folder / "requirements.lock"
    lock.write_text(re.sub(r"^pip==.*?(?=^[a-z])", "", lock.read_text(), flags=re.MULTILINE | re.DOTALL))
    (folder / ".venv").mkdir()
    venv.create(folder / ".venv", with_pip=True)
    (own,) = folder.glob(".venv/lib/python3*/site-packages")
    for older in own.glob("setuptools*"):
        shutil.rmtree(older)
    (own / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder


def programs(folder: Path) -> Path:
    """Stand-ins for what would leave the machine, and beside them the rehearsal's plugins without the rest
    of this checkout.
    """
    folder.mkdir()
    (folder / "rehearsal").symlink_to(PROJECT / "rehearsal")
    (folder / "curl").write_text(
        '#!/bin/sh\n[ "$*" = "-s https://checkip.amazonaws.com" ] && echo 127.0.0.1\n'
    )
    (folder / "curl").chmod(0o755)
    return folder


def test_the_steps_of_the_readme_work_word_for_word(clone, tmp_path):
    said: dict[str, tuple[int, str]] = {}
    with simulated_world(tmp_path) as world:
        before = world.inventory()
        given = dict(world.stack.environment)
        environment = given | {
            "PATH": os.pathsep.join([str(programs(tmp_path / "bin")), given["PATH"]]),
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": str(tmp_path / "bin"),
        }
        for line in commands():
            done = subprocess.run(
                ["bash", "-c", line],
                cwd=clone,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            said[line] = (done.returncode, done.stdout)
            print(f"$ {line}\n{done.stdout}", flush=True)
            world.machines.check()
        after = world.inventory()
    for line, (code, output) in said.items():
        wanted = next((EXPECTED[words] for words in EXPECTED if line.startswith(words)), (0, ""))
        assert (code, wanted[1] in output) == (wanted[0], True), f"{line} answered {code}:\n{output}"
    assert all(any(line.startswith(words) for line in said) for words in EXPECTED)
    assert after == before
