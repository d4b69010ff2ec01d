"""The data in worker.ps1: command lines, configuration files and the table of phases, as the machine would have them."""

import json
import re
import tomllib

import pytest

from infra import flannel, matrix

from . import BOOTSTRAP, SCRIPT
from .machine import NODE_IP, Windows
from .syntax import parse, walk
from .test_phases import PHASES, settled

MACHINE = settled(RegistryMirror="http://10.0.0.9:5000")
HOST_GW = settled(FlannelBackend="host-gw")
CONFIG = "c:\\program files\\containerd\\config.toml"
CONFLIST = "c:\\etc\\cni\\net.d\\10-flannel.conflist"


def variable(name: str):
    return MACHINE.shell.scopes[0][name.lower()]


def arguments(service: str, machine: Windows = MACHINE) -> dict[str, str]:
    """A service's flags, as nssm passes them."""
    words = machine.services[service].settings["AppParameters"].split()
    return dict(word.removeprefix("--").partition("=")[::2] for word in words)


def test_the_table_has_the_phases_of_the_contract_with_an_exit_code_each():
    """`microcosm timeline` and the gate know them by these names."""
    table = variable("Phases")
    assert [phase["Name"] for phase in table] == PHASES
    codes = [phase["ExitCode"] for phase in table]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 256 for code in codes)
    assert int(re.search(r"\$ExitBootstrap = (\d+)", BOOTSTRAP)[1]) not in codes


def test_the_node_has_one_name_everywhere():
    """Where kube-proxy's differs, it deletes the endpoints of the node's own containers."""
    start = MACHINE.files["c:\\k\\startkubelet.ps1"]
    assert "'--hostname-override=windows-0'" in start
    assert arguments("kube-proxy")["hostname-override"] == "windows-0"
    assert MACHINE.services["flanneld"].settings["AppEnvironmentExtra"] == "NODE_NAME=windows-0"


def test_every_address_is_the_one_from_before_the_first_network():
    """On WS2019 a machine with an overlay has several, and kubelet and flanneld would take another."""
    assert f"'--node-ip={NODE_IP}'" in MACHINE.files["c:\\k\\startkubelet.ps1"]
    assert arguments("flanneld")["iface"] == arguments("kube-proxy")["bind-address"] == NODE_IP


def test_no_command_line_names_a_feature_gate_or_a_flag_that_is_gone():
    """A flag that is gone, or a gate that is gone, ends the program (kubernetes CHANGELOG 1.24, 1.27, 1.35)."""
    gone = ("feature-gates", "pod-infra-container-image", "network-plugin", "image-pull-progress-deadline", "container-runtime=", "ip-masq")
    lines = [*variable("KubeletArguments"), *variable("FlanneldArguments"), *variable("KubeProxyArguments"), *variable("KubeadmArguments")]
    assert [line for line in lines if any(name in line for name in gone)] == []


@pytest.mark.parametrize("machine", [MACHINE, HOST_GW], ids=["vxlan", "host-gw"])
def test_the_windows_nodes_network_is_the_one_that_the_linux_nodes_have(machine):
    """A Linux node with another VNI or port is not heard, without any error."""
    own = json.loads(machine.files["c:\\k\\net-conf.json"])
    linux = json.loads(flannel.net_conf("10.244.0.0/16", machine.inputs["FlannelBackend"]))
    assert own["Network"] == linux["Network"]
    assert own["Backend"] == linux["Backend"]


@pytest.mark.parametrize(
    ("machine", "name", "plugin"), [(MACHINE, "flannel.4096", "win-overlay"), (HOST_GW, "cbr0", "win-bridge")], ids=["vxlan", "host-gw"]
)
def test_the_conflist_is_of_the_network_that_flanneld_makes(machine, name, plugin):
    """The CNI plugin looks for an HNS network of the conflist's name; containerd needs apiVersion 2."""
    conflist = json.loads(machine.files[CONFLIST])
    flannel_plugin = conflist["plugins"][0]
    policies = {policy["value"]["Type"]: policy["value"]["Settings"] for policy in flannel_plugin["delegate"]["policies"]}
    assert (conflist["name"], conflist["cniVersion"]) == (name, "1.0.0")
    assert (flannel_plugin["delegate"]["type"], flannel_plugin["delegate"]["apiVersion"]) == (plugin, 2)
    assert {"10.244.0.0/16", "10.96.0.0/12"} <= set(policies["OutBoundNAT"]["Exceptions"])
    assert arguments("kube-proxy", machine)["network-name"] == name


def test_win_overlay_is_promised_no_host_ports():
    """It ignores them in silence (containernetworking/plugins#530), win-bridge has them."""
    assert "portMappings" not in MACHINE.files[CONFLIST]
    assert "portMappings" in HOST_GW.files[CONFLIST]


@pytest.mark.parametrize("machine", [MACHINE, HOST_GW], ids=["vxlan", "host-gw"])
def test_kube_proxy_programs_hns_with_direct_return(machine):
    """Windows has no other mode, and direct server return is what RKE2 and OpenShift run on it."""
    assert (arguments("kube-proxy", machine)["proxy-mode"], arguments("kube-proxy", machine)["enable-dsr"]) == ("kernelspace", "true")


def test_downloads_speak_tls_1_2():
    """.NET on Windows Server 2019 would offer TLS 1.0 first."""
    assert "[Net.SecurityProtocolType]::Tls12" in SCRIPT[: SCRIPT.index("function ")]


def test_only_an_overlay_has_a_source_vip():
    """Without it kube-proxy refuses an overlay."""
    assert "source-vip" in arguments("kube-proxy")
    assert "source-vip" not in arguments("kube-proxy", HOST_GW)


def test_containerd_2_gets_a_version_3_configuration():
    """Sandbox image, CNI folders, a long enough pull timeout and the registry's hosts."""
    config = tomllib.loads(MACHINE.files[CONFIG])
    plugins = config["plugins"]
    assert config["version"] == 3
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == "registry.k8s.io/pause:3.10.2"
    assert plugins["io.containerd.cri.v1.images"]["image_pull_progress_timeout"] == "30m"
    assert plugins["io.containerd.cri.v1.images"]["registry"]["config_path"] == r"C:\etc\containerd\certs.d"
    assert plugins["io.containerd.cri.v1.runtime"]["cni"] == {"bin_dirs": [r"C:\opt\cni\bin"], "conf_dir": r"C:\etc\cni\net.d"}


def test_containerd_1_gets_a_version_2_configuration():
    """Version 3 is not known to it."""
    config = tomllib.loads(settled(ContainerdVersion="1.7.34").files[CONFIG])
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["version"] == 2
    assert cri["sandbox_image"] == "registry.k8s.io/pause:3.10.2"
    assert cri["image_pull_progress_timeout"] == "30m"
    assert cri["cni"] == {"bin_dir": r"C:\opt\cni\bin", "conf_dir": r"C:\etc\cni\net.d"}


def test_another_containerd_is_refused_with_the_versions_that_are_known():
    """Its configuration would be a guess."""
    machine = Windows(ContainerdVersion="3.0.0")
    assert machine.run_at_every_start(SCRIPT) == 13
    assert "containerd 3.0.0 is not one of the major versions" in machine.reports[-1]["detail"]


@pytest.mark.parametrize("version", sorted({row.containerd for row in matrix.KUBERNETES_VERSIONS.values()}))
def test_every_containerd_of_the_matrix_has_a_configuration(version):
    """By its major version."""
    assert version.split(".")[0] in variable("ContainerdConfigs")


def test_a_registry_mirror_takes_every_pull():
    """Without one there is no hosts file."""
    name = "c:\\etc\\containerd\\certs.d\\_default\\hosts.toml"
    hosts = tomllib.loads(MACHINE.files[name])
    assert hosts == {"host": {"http://10.0.0.9:5000": {"capabilities": ["pull", "resolve"]}}}
    assert name not in settled().files


def test_every_input_is_handed_on_and_explained():
    """bootstrap.ps1 keeps what it names, and worker.ps1 says what each is."""
    kept = set(re.findall(r"'(\w+)'", BOOTSTRAP.split("$InputNames = @(")[1].split("\n)")[0]))
    header = SCRIPT[SCRIPT.index("# Inputs (assigned by bootstrap.ps1") : SCRIPT.index("# --- where things are")]
    assert kept == set(MACHINE.inputs)
    assert [name for name in kept if name not in header] == []


def test_the_commas_of_kubelets_flags_survive():
    """PowerShell splits a bare word at its commas; two labels, or two taints, would become two arguments."""
    machine = settled()
    machine.files["c:\\var\\lib\\kubelet\\kubeadm-flags.env"] = 'KUBELET_KUBEADM_ARGS="--node-labels=a=b,c=d --register-with-taints=x=y:NoSchedule"\n'
    machine.run(machine.files["c:\\k\\startkubelet.ps1"])
    command = machine.log[-1].split()
    assert command[0] == "kubelet.exe"
    assert "--node-labels=a=b,c=d" in command
    assert "--register-with-taints=x=y:NoSchedule" in command
    assert "--enforce-node-allocatable=" in command, "its default is refused on Windows"


def test_the_metadata_routes_are_repaired_by_a_script_of_its_own():
    """It runs every minute, also when nothing else does."""
    machine = settled()
    machine.routes = {"0.0.0.0/0"}
    machine.run(machine.files["c:\\microcosm\\metadata-routes.ps1"])
    assert {f"169.254.169.{last}/32" for last in (254, 253, 123, 249, 250, 251)} <= machine.routes


def test_every_place_in_a_text_has_a_value():
    """A @TOKEN@ that nothing fills would reach a program."""
    written = [text for text in MACHINE.files.values() if re.search(r"@[A-Z_]+@", text)]
    assert written == []


def test_every_json_in_the_script_is_written_in_double_quotes_and_complete():
    """The texts that become JSON files, with their places filled in."""
    texts = [node.text[2:-2].strip() for node in walk(parse(SCRIPT), "verbatim_here_string_characters")]
    documents = [text for text in texts if text.startswith("{")]
    assert len(documents) == 3
    for text in documents:
        json.loads(re.sub(r"@[A-Z_]+@", "x", text))
