"""docs/guide/your-service.md: every command is run, and every line of the table of refusals is a case."""

import re
import shutil
import subprocess

import pytest
import yaml
from typer.testing import CliRunner

from microcosm.cli import app
from microcosm.errors import OperatorError
from microcosm.image.source import read
from tests.support.engine import PROJECT
from tests.support.fake_registry import serving
from tests.support.services import config

from . import bases_on_disk
from .test_source import folder, zipped

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


ROWS = dict(
    re.findall(
        r"^\| (.+?) \| (.+?) \|$",
        PAGE.partition("| handed over | answer |")[2].partition("\n\n")[0],
        re.MULTILINE,
    )
)


def handed_over(row: str, path):
    files = {
        "a source tree": {"shop.csproj": "", "web.config": config()},
        "a folder with `*.application`": {"shop.application": ""},
        "a folder with `setup.msi`": {"setup.msi": ""},
        "an empty folder": {},
        "a folder with one zip": {"site.zip": ""},
        "a link": {"web.config": config()},
    }
    data = {
        "`setup.exe`": b"MZ" + b"\0" * 90,
        "an Inno Setup": b"MZ Inno Setup Setup Data",
        "a WiX bundle": b"MZ" + b"\0" * 90 + b".wixburn",
        "a merge module": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a single web.config": b"<configuration/>",
        "a cabinet": b"MSCF\0\0\0\0",
        "a damaged zip": b"PK\3\4",
        "a damaged MSI": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    }
    for start, content in files.items():
        if row.startswith(start):
            folder(path, content)
            if start == "a link":
                (path / "out").symlink_to("/etc/hostname")
            return path
    for start, content in data.items():
        if row.startswith(start):
            name = {
                "`setup.exe`": "setup.exe",
                "a merge module": "a.msm",
                "a single web.config": "web.config",
            }.get(start, "file.bin")
            (path / name).write_bytes(content)
            return path / name
    zips = {
        "a zip with `../`": "../a",
        "an MSIX package": "AppxManifest.xml",
        "an encrypted zip": "a",
        "a zip with a name twice": "a",
    }
    name = next((name for start, name in zips.items() if row.startswith(start)), None)
    if name is None:
        return path / "no-such-folder"
    made = zipped(path / "a.zip", {name: "", "b": ""})
    data = bytearray(made.read_bytes())
    for signature, flags, place in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = data.index(signature)
        data[at + flags] |= row.startswith("an encrypted")
        if row.endswith("twice"):
            data[at + place : at + place + 1] = b"b"
    made.write_bytes(data)
    return made


def test_the_table_has_its_rows():
    assert len([row for row in ROWS if row != "---"]) == 19


@pytest.mark.parametrize("row", [row for row in ROWS if row != "---"])
def test_what_is_refused_is_answered_as_the_table_says(row, tmp_path):
    with pytest.raises(OperatorError) as caught:
        read(handed_over(row, tmp_path))
    assert ROWS[row] in str(caught.value)
