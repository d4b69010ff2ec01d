"""Files that the Windows scripts write, given to the real programs that read it (marker `machine`: the
rehearsal builds them).
"""

import subprocess
import tomllib

import pytest

from rehearsal.build import Supplies, ensure

from . import pester
from .test_data import CONFIG, CONFLIST, walk

pytestmark = [pytest.mark.machine, pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)]

MACHINES = ("vxlan", "host-gw", "containerd 2.3")


@pytest.fixture(scope="module")
def supplies() -> Supplies:
    return ensure()


def loaded_by_containerd(supplies, path):
    command = [str(supplies.bin / "containerd"), "--config", str(path), "config", "dump"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", MACHINES)
def test_containerd_loads_the_configuration_and_keeps_what_it_says(supplies, name, tmp_path):
    written = walk(name).files[CONFIG]
    path = tmp_path / "config.toml"
    # Paths of Windows mean nothing to a containerd on Linux; keys and values are what is tried.
    path.write_text(written.replace("C:\\", "/").replace("\\", "/"))
    done = loaded_by_containerd(supplies, path)
    assert done.returncode == 0, done.stderr
    # It says nothing of a key that it does not know, and drops it: every one that is written must come back.
    assert lost(tomllib.loads(path.read_text())["plugins"], tomllib.loads(done.stdout)["plugins"]) == []


def lost(written, read, where=""):
    """The keys whose value did not arrive. containerd writes a duration its own way."""
    if isinstance(written, dict):
        inner = [
            lost(value, read.get(key) if isinstance(read, dict) else None, f"{where}/{key}")
            for key, value in written.items()
        ]
        return [name for names in inner for name in names]
    return [] if written == read or f"{written}0s" == read else [where]


def test_a_key_that_containerd_does_not_know_would_be_noticed(supplies, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("version = 3\n[plugins.'io.containerd.cri.v1.images']\nsandbox_image = 'x'\n")
    read = tomllib.loads(loaded_by_containerd(supplies, path).stdout)
    assert lost({"sandbox_image": "x"}, read["plugins"]["io.containerd.cri.v1.images"]) == ["/sandbox_image"]


def test_containerd_refuses_a_configuration_with_a_key_of_the_wrong_kind(supplies, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("version = 3\n[plugins.'io.containerd.cri.v1.images']\npinned_images = 'a text'\n")
    assert loaded_by_containerd(supplies, path).returncode != 0, "else the test above proves nothing"


def added_by_libcni(supplies, folder, network):
    environment = {"NETCONFPATH": str(folder), "CNI_PATH": "/nowhere"}
    command = [str(supplies.bin / "cnitool"), "add", network, "/proc/self/ns/net"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("name", ["vxlan", "host-gw"])
def test_libcni_loads_the_conflist_and_asks_for_its_first_plugin(supplies, name, tmp_path):
    content = walk(name).files[CONFLIST]
    (tmp_path / "10-flannel.conflist").write_text(content)
    network = "flannel.4096" if name == "vxlan" else "cbr0"
    assert 'failed to find plugin "flannel" in path' in added_by_libcni(supplies, tmp_path, network)


def test_libcni_refuses_a_conflist_without_plugins(supplies, tmp_path):
    (tmp_path / "10-flannel.conflist").write_text(walk().files[CONFLIST].replace('"plugins"', '"plugin"'))
    assert 'failed to find plugin "flannel"' not in added_by_libcni(supplies, tmp_path, "flannel.4096")
