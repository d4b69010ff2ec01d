"""The data in worker.ps1: command lines, configuration files and the table of phases, as a machine has
them after a walk.
"""

import json
import re
import tomllib

import pytest

from infra.config import versions

from . import pester

NODE_IP = "10.0.3.7"
PHASES = [
    "feature",
    "reboot",
    "download",
    "containerd",
    "prepare-node",
    "join",
    "flannel",
    "kube-proxy",
    "ready",
]
CONFIG = "C:\\Program Files\\containerd\\config.toml"
CONFLIST = "C:\\etc\\cni\\net.d\\10-flannel.conflist"
NETWORKS = {"vxlan": ("flannel.4096", "win-overlay"), "host-gw": ("cbr0", "win-bridge")}

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)
each_network = pytest.mark.parametrize("network", NETWORKS)


def walk(name: str = "vxlan") -> pester.Walk:
    found = pester.walks()[name]
    assert found.code == 0, found.report
    return found


def test_the_report_of_a_ready_node_has_every_phase_of_the_contract():
    """`microcosm timeline` and the readiness wait know them by these names."""
    assert [*walk().report["phases"]] == PHASES


def test_the_node_has_one_name_everywhere():
    """Where kube-proxy's differs, it deletes the endpoints of the node's own containers."""
    assert "'--hostname-override=windows-0'" in walk().files["C:\\k\\StartKubelet.ps1"]
    assert walk().arguments["kube-proxy"]["hostname-override"] == "windows-0"
    assert walk().services["flanneld"]["AppEnvironmentExtra"] == "NODE_NAME=windows-0"


def test_every_address_is_the_one_from_before_the_first_network():
    """On WS2019 a machine with an overlay has several, and kubelet and flanneld would take another."""
    assert f"'--node-ip={NODE_IP}'" in walk().files["C:\\k\\StartKubelet.ps1"]
    assert walk().arguments["flanneld"]["iface"] == walk().arguments["kube-proxy"]["bind-address"] == NODE_IP


def test_no_command_line_names_a_feature_gate_or_a_flag_that_is_gone():
    """A flag that is gone, or a gate that is gone, ends the program (kubernetes CHANGELOG 1.24, 1.27,
    1.35).
    """
    gone = (
        "feature-gates",
        "pod-infra-container-image",
        "network-plugin",
        "image-pull-progress-deadline",
        "container-runtime=",
        "ip-masq",
    )
    lines = [
        walk().files["C:\\k\\StartKubelet.ps1"],
        *(line for line in walk().log if line.startswith(("nssm.exe", "kubeadm.exe"))),
    ]
    assert [line for line in lines if any(name in line for name in gone)] == []


@each_network
def test_the_conflist_is_of_the_network_that_flanneld_makes(network):
    """The CNI plugin looks for an HNS network of the conflist's name; containerd needs apiVersion 2."""
    name, plugin = NETWORKS[network]
    conflist = json.loads(walk(network).files[CONFLIST])
    flannel_plugin = conflist["plugins"][0]
    policies = {
        policy["value"]["Type"]: policy["value"]["Settings"]
        for policy in flannel_plugin["delegate"]["policies"]
    }
    assert (conflist["name"], conflist["cniVersion"]) == (name, "1.0.0")
    assert (flannel_plugin["delegate"]["type"], flannel_plugin["delegate"]["apiVersion"]) == (plugin, 2)
    assert {"10.244.0.0/16", "10.96.0.0/12"} <= set(policies["OutBoundNAT"]["Exceptions"])
    assert walk(network).arguments["kube-proxy"]["network-name"] == name


@each_network
def test_every_plugin_that_the_conflist_names_is_there(network):
    """flannel.exe calls the one that it delegates to, and host-local."""
    plugin = json.loads(walk(network).files[CONFLIST])["plugins"][0]
    for name in (plugin["type"], plugin["delegate"]["type"], "host-local"):
        assert f"C:\\opt\\cni\\bin\\{name}.exe" in walk(network).files


@each_network
def test_no_pod_reaches_the_metadata_service_and_all_else_is_allowed(network):
    """The form is AWS' own (aws/amazon-vpc-cni-plugins 0a009ba, network/imds/imds_windows.go); fields as
    hcsshim's hcn names them.
    """
    policies = json.loads(walk(network).files[CONFLIST])["plugins"][0]["delegate"]["policies"]
    rules = [policy["value"]["Settings"] for policy in policies if policy["value"]["Type"] == "ACL"]
    block, *allow = sorted(rules, key=lambda rule: rule["Priority"])
    assert (block["Action"], block["Direction"], block["RemoteAddresses"]) == (
        "Block",
        "Out",
        "169.254.169.254/32",
    )
    assert [(rule["Action"], rule["Direction"]) for rule in allow] == [("Allow", "In"), ("Allow", "Out")]
    assert all(set(rule) == {"Action", "Direction", "RuleType", "Priority"} for rule in allow)


def test_win_overlay_is_promised_no_host_ports():
    """It ignores them in silence (containernetworking/plugins#530), win-bridge has them."""
    assert "portMappings" not in walk().files[CONFLIST]
    assert "portMappings" in walk("host-gw").files[CONFLIST]


@each_network
def test_kube_proxy_programs_hns_with_direct_return(network):
    """Windows has no other mode, and direct server return is what RKE2 and OpenShift run on it."""
    given = walk(network).arguments["kube-proxy"]
    assert (given["proxy-mode"], given["enable-dsr"]) == ("kernelspace", "true")


def test_only_an_overlay_has_a_source_vip():
    """Without it kube-proxy refuses an overlay."""
    assert "source-vip" in walk().arguments["kube-proxy"]
    assert "source-vip" not in walk("host-gw").arguments["kube-proxy"]


@pytest.mark.parametrize("name", ["vxlan", "containerd 2.3"])
def test_containerd_2_gets_a_version_3_configuration(name):
    """Sandbox image, CNI folders, a long enough pull timeout and the registry's hosts."""
    config = tomllib.loads(walk(name).files[CONFIG])
    plugins = config["plugins"]
    assert config["version"] == 3
    assert (
        plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == "registry.k8s.io/pause:3.10.2"
    )
    assert plugins["io.containerd.cri.v1.images"]["image_pull_progress_timeout"] == "30m"
    assert plugins["io.containerd.cri.v1.images"]["registry"]["config_path"] == r"C:\etc\containerd\certs.d"
    assert plugins["io.containerd.cri.v1.runtime"]["cni"] == {
        "bin_dirs": [r"C:\opt\cni\bin"],
        "conf_dir": r"C:\etc\cni\net.d",
    }


def test_containerd_1_gets_a_version_2_configuration():
    """Version 3 is not known to it."""
    config = tomllib.loads(walk("containerd 1").files[CONFIG])
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["version"] == 2
    assert cri["sandbox_image"] == "registry.k8s.io/pause:3.10.2"
    assert cri["image_pull_progress_timeout"] == "30m"
    assert cri["cni"] == {"bin_dir": r"C:\opt\cni\bin", "conf_dir": r"C:\etc\cni\net.d"}


def test_the_walks_are_of_every_containerd_of_the_matrix():
    """By its major version; another one is refused (host.Tests.ps1)."""
    assert {row.containerd.split(".")[0] for row in versions.KUBERNETES_VERSIONS.values()} <= {"1", "2"}


def test_a_registry_mirror_takes_every_pull():
    """Without one there is no hosts file."""
    name = "C:\\etc\\containerd\\certs.d\\_default\\hosts.toml"
    hosts = tomllib.loads(walk().files[name])
    assert hosts == {"host": {"http://10.0.0.9:5000": {"capabilities": ["pull", "resolve"]}}}
    assert name not in walk("host-gw").files


@each_network
def test_every_place_in_a_text_has_a_value(network):
    """A @TOKEN@ that nothing fills would reach a program; inputs.xml alone holds them."""
    files = {
        name: text
        for name, text in walk(network).files.items()
        if not name.endswith(("inputs.xml", "node.ps1"))
    }
    assert [name for name, text in files.items() if re.search(r"@[A-Z_]+@", text)] == []


def test_every_file_of_the_node_is_without_a_byte_order_mark():
    """Neither TOML nor JSON readers accept one."""
    assert [
        name
        for name, text in walk().files.items()
        if text.startswith("\ufeff") and not name.endswith("inputs.xml")
    ] == []
