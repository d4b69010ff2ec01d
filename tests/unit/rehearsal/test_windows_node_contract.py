"""Test that the stand-in does what the Windows scripts do, as far as Linux can."""

import re
from pathlib import Path

from rehearsal.windows_node import inputs
from rehearsal.windows_node.network import Flanneld, host_ports
from rehearsal.windows_node.progress import PHASES

SCRIPTS = Path(__file__).parents[3] / "userdata" / "windows"
WORKER = (SCRIPTS / "worker.ps1").read_text()


def test_the_phases_are_those_of_the_windows_script_in_its_order():
    assert list(PHASES) == re.findall(r"@\{ Name = '([a-z-]+)'; Test =", WORKER)


def test_flanneld_gets_the_flags_of_the_windows_service():
    block = re.search(r"\$FlanneldArguments = @\((.*?)^\)", WORKER, re.DOTALL | re.MULTILINE)
    assert block is not None
    flanneld = Flanneld(
        program="flanneld",
        directory=Path("/s"),
        log_file=Path("/s/f.log"),
        node_name="windows-0",
        node_ip="10.0.0.20",
    )
    ours = {flag.split("=")[0] for flag in flanneld.command()[1:]}
    theirs = {flag.split("=")[0] for flag in re.findall(r"'(--[^']+)'", block[1])}
    assert ours - theirs == {"--subnet-file"}, "the one flag of its own: all stand-ins share a disk"
    assert theirs <= ours


def test_host_ports_exist_where_the_windows_cni_configuration_has_them():
    conflists = dict(
        re.findall(
            r"^    '([a-z-]+)' = @\{\n\s+Name = .*?Conflist = @'\n(.*?)\n'@", WORKER, re.DOTALL | re.MULTILINE
        )
    )
    assert set(conflists) == {"vxlan", "host-gw"}
    for name, conflist in conflists.items():
        assert host_ports(name) == ("portMappings" in conflist), name


def test_every_input_that_the_stand_in_reads_is_one_of_the_scripts():
    head = (SCRIPTS / "bootstrap.ps1").read_text()
    for variable in inputs.VARIABLES.values():
        assert re.search(rf"'{variable}'|\${variable}\b", head), f"bootstrap.ps1 knows no {variable}"
