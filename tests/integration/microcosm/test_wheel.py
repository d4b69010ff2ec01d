"""The wheel without a checkout: what it packs, and that its commands answer as those of the checkout do."""

import os
import re
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from rehearsal.fake_aws.process import running_cloud
from tests.support.engine import PROJECT

PACKED = ("bom", "infra", "microcosm", "userdata", "workloads")
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: legacy}
spec:
  hostNetwork: true
  nodeSelector: {kubernetes.io/os: windows}
  containers: [{name: iis, image: "mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2019"}]
"""
COMMANDS = {
    "doctor": 1,
    "lint legacy.yaml --windows 2019": 1,
    "timeline": 1,
    "audit": 0,
    "kubeconfig": 1,
    "preview ci-policy --account 123456789012 --state-bucket states --repo octo/app "
    "--owner-id 1 --repo-id 2": 0,
    "--help": 0,
}


def tracked(*folders: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel of what is tracked: setuptools would also pack what an earlier build left in build/."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, source / name)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(target),
        str(source),
    ]
    subprocess.run(build, check=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of the programs of an environment that has the wheel, and of this one only the
    dependencies.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(install, check=True)
    # A folder that a .pth file names is searched, but its own .pth files, such as that of the editable
    # project, are not read.
    (own,) = folder.glob("lib/python3*/site-packages")
    (own / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return python.parent


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), "eu-west-1") as cloud:
        yield cloud


@pytest.fixture
def project(tmp_path) -> Path:
    """A user's own folder: the files of the stack and a manifest."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy2(PROJECT / name, tmp_path / name)
    (tmp_path / "legacy.yaml").write_text(MANIFEST)
    return tmp_path


def test_the_wheel_packs_every_file_of_the_product_and_one_top_level_package(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"microcosm"}
    assert sorted(name.removeprefix("microcosm/_project/") for name in names) == sorted(tracked(*PACKED))


def answer(python: Path, project: Path, cloud, arguments: str) -> tuple[int, str]:
    # A proxy that refuses: nothing but the fake cloud may be asked.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    environment = {
        "PATH": os.defpath,
        "HOME": str(project),
        "COLUMNS": "200",
        "NO_COLOR": "1",
        **nowhere,
        **cloud.environment(),
    }
    command = [str(python), "-m", "microcosm", *arguments.split()]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    # The report of an audit ends with the moment and with the time that it took.
    return done.returncode, re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z|[\d.]+ s\b", "(time)", done.stdout)


@pytest.mark.parametrize(("arguments", "code"), COMMANDS.items())
def test_a_command_of_the_wheel_answers_as_that_of_the_checkout(installed, project, cloud, arguments, code):
    from_checkout = answer(Path(sys.executable), project, cloud, arguments)
    from_wheel = answer(installed / "python", project, cloud, arguments)

    assert from_wheel == from_checkout
    assert from_wheel[0] == code, from_wheel[1]
    assert "Traceback" not in from_wheel[1]


def test_the_wheel_installs_the_command_and_no_package_named_infra(installed, project):
    script = subprocess.run([installed / "microcosm", "--help"], cwd=project, capture_output=True, text=True)
    assert (script.returncode, "Usage: microcosm" in script.stdout) == (0, True), script.stderr
    package = subprocess.run(
        [installed / "python", "-c", "import infra"], cwd=project, capture_output=True, text=True
    )
    assert "ModuleNotFoundError: No module named 'infra'" in package.stderr


def test_the_program_renders_machines_and_workloads_from_the_wheel(installed, project):
    program = (
        "import microcosm; from infra import workloads; from infra.node import userdata; "
        "print(len(userdata.linux('worker', {})), *workloads.page_files())"
    )
    done = subprocess.run([installed / "python", "-c", program], cwd=project, capture_output=True, text=True)
    assert done.stdout.split()[1:] == ["index.html", "style.css", "app.js", "favicon.svg"], done.stderr
