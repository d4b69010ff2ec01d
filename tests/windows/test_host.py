"""What Windows itself is like on a node that is ready: settings, firewall, tasks, services, programs."""

import json

import pytest

from . import SCRIPT
from .machine import CONFLIST, KUBELET_CONF, METADATA, Windows
from .test_phases import settled

MACHINE = settled()
HNS = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\hns\\State"
OVERRIDES = "HKLM:\\SYSTEM\\CurrentControlSet\\Policies\\Microsoft\\FeatureManagement\\Overrides"
EVERY_BUILD = {
    "HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU\\NoAutoUpdate DWord": 1,
    f"{HNS}\\EnableCompartmentNamespace DWord": 1,
}
OWN = {
    17763: {f"{HNS}\\HNSControlFlag DWord": 80, "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\wcifs\\WcifsSOPCountDisabled DWord": 0},
    20348: {f"{OVERRIDES}\\1114842764 DWord": 0},
    26100: {f"{OVERRIDES}\\520997518 DWord": 1},
}


@pytest.mark.parametrize("build", OWN)
def test_the_registry_of_each_build(build):
    """Fixes that ship switched off, at the very place where Windows looks; and no restart on patch day."""
    machine = Windows()
    machine.build = build
    assert machine.run_at_every_start(SCRIPT) == 0
    assert {machine.registry_keys[name]: value for name, value in machine.registry.items()} == EVERY_BUILD | OWN[build]


def test_the_firewall_lets_in_the_overlay_the_nodeports_and_the_kubelet():
    """Windows' own firewall is on; the security group alone does not open a port."""
    assert MACHINE.firewall == {
        "microcosm-vxlan": "Allow Inbound UDP 4789",
        "microcosm-nodeports-tcp": "Allow Inbound TCP 30000-32767",
        "microcosm-nodeports-udp": "Allow Inbound UDP 30000-32767",
        "kubelet": "Allow Inbound TCP 10250",
    }


def test_only_the_containers_feature_is_installed():
    """Hyper-V refuses on a virtual EC2 machine, and takes the phase with it."""
    machine = Windows()
    machine.run_at_every_start(SCRIPT.replace("Install-WindowsFeature -Name Containers", "Install-WindowsFeature -Name Hyper-V"))
    assert "virtualization capabilities" in machine.reports[-1]["detail"], "the stand-in knows it"
    assert MACHINE.feature == "Installed"


def test_defender_leaves_the_programs_alone_that_unpack_and_serve_layers():
    """It would scan every file of a layer of gigabytes."""
    names = {path.rsplit("\\", 1)[1] for path in MACHINE.excluded}
    assert {"containerd.exe", "containerd-shim-runhcs-v1.exe", "ctr.exe", "kubelet.exe", "kube-proxy.exe", "flanneld.exe"} == names


def test_a_machine_without_defender_becomes_a_node_too():
    machine = Windows()
    machine.Add_MpPreference = lambda **_: (_ for _ in ()).throw(OSError("the service cannot be started"))
    assert machine.run_at_every_start(SCRIPT) == 0


def test_outgoing_connections_do_not_take_nodeports():
    """34000 to 65535."""
    assert "netsh.exe int ipv4 set dynamicportrange tcp 34000 31536" in MACHINE.log


def test_the_clock_is_kept():
    """A certificate that is not valid yet fails the join. On a machine outside a domain the service waits for a trigger."""
    assert (MACHINE.services["w32time"].Status, MACHINE.services["w32time"].StartType) == ("Running", "Automatic")


def test_the_tasks_repeat():
    """The routes go whenever HNS makes a network, at every start and at any time."""
    assert MACHINE.tasks["microcosm-metadata-routes"].startswith("every 1 min; SYSTEM; powershell.exe ")
    assert MACHINE.tasks["microcosm-metadata-routes"].endswith("-File C:\\microcosm\\metadata-routes.ps1")


def test_a_route_of_the_adapter_that_is_gone_is_replaced():
    """EC2Launch v1 keeps its routes over a restart, bound to the adapter from before the first network."""
    machine = settled()
    machine.routes, machine.stale_routes = {"0.0.0.0/0"}, {METADATA}
    machine.run(machine.files["c:\\microcosm\\metadata-routes.ps1"])
    assert METADATA in machine.routes
    assert machine.stale_routes == set()


def test_a_program_that_dies_comes_back_for_ever():
    """nssm waits longer each time, and containerd gives up after the second crash of a day."""
    for name in ("kubelet", "flanneld", "kube-proxy"):
        assert MACHINE.services[name].settings["AppThrottle"] == "0", name
        assert int(MACHINE.services[name].settings["AppRestartDelay"]) <= 5000, name
    assert "sc.exe failure containerd reset= 0 actions= restart/15000" in MACHINE.log


def test_every_program_writes_a_log_that_is_rotated():
    """`microcosm logs` collects them; containerd keeps none by itself."""
    (registered,) = [line for line in MACHINE.log if line.startswith("containerd.exe ")]
    assert "--log-file C:\\var\\log\\containerd\\containerd.log" in registered
    for name in ("flanneld", "kube-proxy"):
        assert MACHINE.services[name].settings["AppStderr"] == f"C:\\var\\log\\{name}\\{name}.log"
        assert MACHINE.services[name].settings["AppRotateFiles"] == "1"


def test_every_plugin_that_the_conflist_names_is_there():
    """flannel.exe calls the one that it delegates to, and host-local."""
    plugin = json.loads(MACHINE.files[CONFLIST])["plugins"][0]
    for name in (plugin["type"], plugin["delegate"]["type"], "host-local"):
        assert f"c:\\opt\\cni\\bin\\{name}.exe" in MACHINE.files


@pytest.mark.parametrize("folder", ["C:\\k", "C:\\etc\\kubernetes", "C:\\var\\lib\\kubelet\\pki"])
def test_folders_with_keys_and_programs_are_closed_to_users(folder):
    """C:\\ lets every user make files in a new folder, and read what is there."""
    assert any(line.startswith(f"icacls.exe {folder} /inheritance:r /grant:r") for line in MACHINE.log)


def test_images_are_pulled_ahead_from_where_the_kubelet_would_pull_them():
    """Into the kubelet's namespace, and from the mirror if there is one."""
    pulls = [line for line in MACHINE.log if line.startswith("start ctr.exe")]
    assert pulls == ["start ctr.exe --namespace k8s.io images pull --hosts-dir C:\\etc\\containerd\\certs.d mcr.microsoft.com/wcf:1"]


def test_preparenode_can_be_run_a_second_time():
    """By itself it fails at its own link and firewall rule, and keeps the service of the first time."""
    machine = settled()
    del machine.files["c:\\k\\startkubelet.ps1"], machine.files[KUBELET_CONF]
    del machine.files["c:\\etc\\kubernetes\\pki\\ca.crt"]
    assert machine.run_at_every_start(SCRIPT) == 0


def test_what_a_join_that_was_cut_off_has_left_is_removed():
    """kubeadm refuses to join over it."""
    machine = Windows()
    machine.files["c:\\etc\\kubernetes\\pki\\ca.crt"] = "of a first attempt"
    assert machine.run_at_every_start(SCRIPT) == 0


def test_a_state_that_cannot_be_read_is_started_anew():
    """Power was lost while it was written."""
    machine = settled()
    machine.files["c:\\microcosm\\state.json"] = '{"instance": "i-0w'
    assert machine.run_at_every_start(SCRIPT) == 0
    assert json.loads(machine.files["c:\\microcosm\\state.json"])["instance"] == "i-0win"
