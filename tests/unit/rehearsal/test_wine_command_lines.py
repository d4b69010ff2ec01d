"""Test how the command lines in worker.ps1 are read."""

import pytest

from rehearsal.wine import command_lines
from rehearsal.wine.command_lines import filled_text
from rehearsal.wine.errors import WineError

SCRIPT = r"""
$KubeadmArguments = @('join', '--config=C:\microcosm\join.yaml')
$KubeletArguments = @(
    '--node-ip=@NODE_IP@'
    '--resolv-conf='
)
$FlanneldArguments = @('--iface=@NODE_IP@')
$KubeProxyArguments = @('--it-s=''quoted''')
$Networks = @{
    'vxlan' = @{
        Name = 'flannel.4096'
        KubeProxyArguments = @('--source-vip=@SOURCE_VIP@')
        Conflist = @'
{
    "Name": "no name of a network"
    }
}
'@
    }
    'host-gw' = @{
        Name = 'cbr0'
        KubeProxyArguments = @()
    }
}
"""


def test_arrays_are_read_on_one_line_and_on_many():
    lines = command_lines.read(SCRIPT)
    assert lines.kubeadm == ("join", r"--config=C:\microcosm\join.yaml")
    assert lines.kubelet == ("--node-ip=@NODE_IP@", "--resolv-conf=")
    assert lines.kube_proxy == ("--it-s='quoted'",), "a doubled quote is one"


def test_every_backend_is_read_past_the_braces_of_its_json():
    networks = command_lines.read(SCRIPT).networks
    assert {name: network.name for name, network in networks.items()} == {
        "vxlan": "flannel.4096",
        "host-gw": "cbr0",
    }
    assert networks["vxlan"].kube_proxy_arguments == ("--source-vip=@SOURCE_VIP@",)


@pytest.mark.parametrize("array", ["@('--config=C:\\x', $More)", '@("--node=$Name")', "$Other + @('x')"])
def test_what_powershell_would_have_to_work_out_is_refused(array: str):
    with pytest.raises(WineError, match=r"\$FlanneldArguments"):
        command_lines.read(SCRIPT.replace("@('--iface=@NODE_IP@')", array))


def test_a_token_without_a_value_is_named():
    with pytest.raises(WineError, match=r"no value for @NODE_NAME@ in '--a=@NODE_NAME@'; there are NODE_IP"):
        filled_text("--a=@NODE_NAME@", {"NODE_IP": "10.0.0.6"})
