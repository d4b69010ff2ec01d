"""The example from its folder and its MSI to an answer of its own C#, as the stand-in of a Windows node runs
it.

Served: Mono compiles and serves it.
"""

import base64
import shutil
import subprocess
import time
import urllib.request

import pytest
import yaml
from typer.testing import CliRunner

from microcosm.cli import app
from rehearsal.windows_node import program
from rehearsal.windows_node.errors import StandinError
from tests.support.engine import PROJECT
from tests.support.fake_registry import serving
from tests.unit.microcosm.image import bases_on_disk

EXAMPLE = PROJECT / "examples/legacy-wcf"
HEALTH = "/Greeting.svc/hello"
MISSING = [name for name in ("mono", "mcs", "wixl") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found (Debian has them)")


class FakeApi:
    """The Secrets of one namespace, as the API server returns them."""

    def __init__(self, **secrets: dict[str, str]) -> None:
        self.secrets = secrets

    def get(self, path: str) -> dict:
        data = self.secrets[path.rpartition("/")[2]]
        return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


@pytest.fixture(scope="module")
def msi(tmp_path_factory):
    place = tmp_path_factory.mktemp("msi") / "example"
    shutil.copytree(EXAMPLE, place)
    config = place / "site/web.config"
    config.write_text(config.read_text().replace("Hello from web.config", "Hello from the MSI"))
    subprocess.run(["wixl", "--arch", "x64", "--output", "a.msi", "greeting.wxs"], cwd=place, check=True)
    return place / "a.msi"


@pytest.fixture
def deployed(tmp_path):
    """Build and push a source, and return its pod and the Secret that its manifests ask for."""
    with serving() as fake:

        def deploy(source):
            base = f"oci:{bases_on_disk.write(tmp_path / 'base').removeprefix('oci:')}"
            words = ["--to", f"{fake.host}/greeting:1", "--base", base, "--base-has", "wcf-tcp", "--push"]
            made = CliRunner().invoke(app, ["image", "build", str(source), *words, "--health", HEALTH])
            assert made.exit_code == 0, made.output
            printed = CliRunner().invoke(app, ["image", "manifest", f"{fake.host}/greeting:1"]).stdout
            secret, deployment, _ = yaml.safe_load_all(printed)
            template = deployment["spec"]["template"]
            pod = {"metadata": {"name": "greeting-1", "namespace": "default"}, "spec": template["spec"]}
            pod["spec"]["nodeName"] = "windows-0"
            return pod, secret["stringData"]

        yield deploy


def answer(pod, secret, folder, address) -> str:
    """Start the pod's program, and return what its page answers."""
    assert program.unsupported_reason(pod) is None
    prepared = program.prepare(FakeApi(greeting=secret), pod, folder, pod_ip=address, host_ip="10.0.0.20")
    process = subprocess.Popen(prepared.command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://{address}{HEALTH}", timeout=5) as response:
                    return response.read().decode()
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        raise AssertionError("the program does not answer")
    finally:
        process.terminate()
        process.wait()


def test_the_image_of_the_folder_answers_with_its_own_code(deployed, tmp_path):
    pod, secret = deployed(EXAMPLE / "site")
    assert answer(pod, secret, tmp_path / "run", "127.77.0.1") == '"Hello from web.config"'


def test_the_image_of_the_msi_answers_likewise(deployed, msi, tmp_path):
    pod, secret = deployed(msi)
    assert answer(pod, secret, tmp_path / "run", "127.77.0.2") == '"Hello from the MSI"'


def test_a_value_of_the_secret_takes_the_place_of_the_files(deployed, tmp_path):
    pod, secret = deployed(EXAMPLE / "site")
    filled = {**secret, "APPSETTING_Greeting": "Hello <from> the Secret"}
    assert answer(pod, filled, tmp_path / "run", "127.77.0.3") == '"Hello <from> the Secret"'


def test_an_image_for_another_windows_than_the_pods_node_does_not_start(deployed, tmp_path, monkeypatch):
    pod, secret = deployed(EXAMPLE / "site")
    pod["spec"]["nodeSelector"]["node.kubernetes.io/windows-build"] = "10.0.20348"
    with pytest.raises(
        StandinError, match=r"for Windows 10\.0\.17763, and the pod asks for a node of 10\.0\.20348"
    ):
        program.prepare(
            FakeApi(greeting=secret), pod, tmp_path / "run", pod_ip="127.77.0.4", host_ip="10.0.0.20"
        )
