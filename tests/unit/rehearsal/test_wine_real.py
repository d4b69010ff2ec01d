"""Test the pinned Windows binaries under Wine, not Windows (marker `machine`); a rehearsal tests them with a
cluster.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.build import Supplies, ensure
from rehearsal.wine import command_lines, help_texts
from rehearsal.wine.command_lines import filled
from rehearsal.wine.computer import WineHost
from rehearsal.wine.errors import WineError

pytestmark = pytest.mark.machine

LINES = command_lines.of_the_product()
NETWORK = LINES.networks["vxlan"]
VALUES = {
    "NODE_NAME": "windows-0",
    "NODE_IP": "127.0.0.1",
    "NETWORK": NETWORK.name,
    "SOURCE_VIP": "10.244.1.2",
}
# The line that each program prints after it has accepted its command line, when it misses the files of a
# node.
CASES = {
    "kubeadm.exe": (LINES.kubeadm, "unable to read config"),
    "kubelet.exe": (LINES.kubelet, "failed to load kubelet config file"),
    "flanneld.exe": (LINES.flanneld, "Failed to create SubnetManager"),
    "kube-proxy.exe": (LINES.kube_proxy + NETWORK.kube_proxy_arguments, "network.kubeconfig"),
}


@pytest.fixture(scope="module")
def supplies() -> Supplies:
    return ensure()


@pytest.fixture(scope="module")
def wine_host(supplies: Supplies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WineHost]:
    folder = tmp_path_factory.mktemp("wine")
    wine_host = WineHost(folder=folder / "wine_host", logs=folder / "logs")
    wine_host.set_up(supplies.wine_prefix, supplies.windows)
    yield wine_host
    wine_host.shut_down()


@pytest.mark.parametrize("program", CASES)
def test_each_program_takes_its_command_line(wine_host: WineHost, program: str):
    arguments, says = CASES[program]
    wine_host.start(program, filled(arguments, VALUES)).wait_for(says, 30)


@pytest.mark.parametrize("program", CASES)
def test_each_program_refuses_a_flag_that_it_does_not_know(wine_host: WineHost, program: str):
    arguments, says = CASES[program]
    process = wine_host.start(program, (*filled(arguments, VALUES), "--a-flag-of-yesterday=1"))
    with pytest.raises(WineError, match=rf"^{program} refuses its command line: .*a-flag-of-yesterday"):
        process.wait_for(says, 30)


def test_the_recorded_help_is_what_the_programs_say(supplies: Supplies, wine_host: WineHost, tmp_path: Path):
    for path in help_texts.record(wine_host, supplies.versions, tmp_path):
        assert path.read_text() == (help_texts.FOLDER / path.name).read_text()


def test_a_prefix_shows_nothing_of_the_host(supplies: Supplies):
    """Wine's drive Z: is the whole file system, and its user's folders are links to the caller's home."""
    assert [path.name for path in (supplies.wine_prefix / "dosdevices").iterdir()] == ["c:"]
    outward = [path for path in (supplies.wine_prefix / "drive_c/users").rglob("*") if path.is_symlink()]
    assert outward == []
