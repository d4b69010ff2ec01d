"""docs/guide/your-service.md: every command is run (test_guide_refusals.py has its table of refusals)."""

import re
import shutil
import subprocess

import pytest
import yaml
from typer.testing import CliRunner

from microcosm.cli import app
from microcosm.image.source import read
from tests.support.engine import PROJECT
from tests.support.fake_registry import serving

from . import bases_on_disk

PAGE = (PROJECT / "docs/guide/your-service.md").read_text()
COMMANDS = [line.removeprefix("$ ") for line in re.findall(r"^\$ microcosm .*$", PAGE, re.MULTILINE)]
EXAMPLE = PROJECT / "examples/legacy-wcf"
NO_WIXL = "Debian's wixl is needed to make the example's MSI"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry with a base, in place of registry.example and of Microsoft's."""
    place = tmp_path_factory.mktemp("guide")
    bases_on_disk.write(place / "base")
    with serving() as fake:
        fake.load("wcf", "1", place / "base")
        msi = place / "greeting.msi"
        if shutil.which("wixl"):
            subprocess.run(
                ["wixl", "-a", "x64", "-o", str(msi), "greeting.wxs"],
                cwd=EXAMPLE,
                check=True,
                capture_output=True,
            )
        yield fake, msi


def run(command: str, fake, msi):
    words = (
        command.replace("registry.example", fake.host)
        .replace("examples/legacy-wcf/greeting.msi", str(msi))
        .partition(" | ")[0]
        .split()[1:]
    )
    words = [word.replace("examples/", f"{PROJECT}/examples/") for word in words]
    if words[1] == "build":
        words += ["--base", f"{fake.host}/wcf:1", "--base-has", "wcf-tcp"]
    return CliRunner().invoke(app, words)


def test_every_command_of_the_page_works_in_its_order(registry):
    fake, msi = registry
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        if "greeting.msi" in command and not msi.exists():
            continue
        done = run(command, fake, msi)
        assert done.exit_code == 0, f"{command}: {done.output} {done.exception}"
    objects = [one["kind"] for one in yaml.safe_load_all(run(COMMANDS[-1], fake, msi).stdout)]
    assert objects == ["Secret", "Deployment", "Service"]


def test_the_example_has_nothing_but_facts_and_its_settings_are_in_the_secret(registry):
    fake, msi = registry
    done = run(COMMANDS[0], fake, msi)
    assert "0 refused, 0 warned" in done.stdout
    assert "wcf, 2 files" in done.stdout
    run(COMMANDS[1], fake, msi)
    secret = next(yaml.safe_load_all(run(COMMANDS[-1], fake, msi).stdout))
    assert {"APPSETTING_Greeting", "CONNSTR_Orders"} <= set(secret["stringData"])


@pytest.mark.skipif(not shutil.which("wixl"), reason=NO_WIXL)
def test_the_msi_holds_the_same_files_as_the_folder(registry):
    found, site = read(registry[1]).tree.below("Program Files/Greeting"), read(EXAMPLE / "site").tree
    assert {path: found.read(path) for path in found} == {path: site.read(path) for path in site}
