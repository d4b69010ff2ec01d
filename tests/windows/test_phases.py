"""The node's script, run on the stand-in for Windows: from the first start to a ready node, and from every point at which it may be cut off."""

import contextlib
import json
from typing import Any

import pytest

from . import SCRIPT
from .machine import CONFLIST, CONTROL_PLANE, JOIN, KUBELET_CONF, METADATA, START, TOKEN, Crash, Windows

PHASES = ["feature", "reboot", "download", "containerd", "prepare-node", "join", "flannel", "kube-proxy", "ready"]
SERVICES = ("containerd", "kubelet", "flanneld", "kube-proxy")


def settled(**changes) -> Windows:
    """A machine on which the script has come to its end."""
    machine = Windows(**changes)
    assert machine.run_at_every_start(SCRIPT) == 0, machine.reports[-1]
    return machine


def assert_whole(machine: Windows) -> None:
    assert machine.node_is_ready
    assert all(machine.runs(name) and machine.services[name].StartType == "Automatic" for name in SERVICES)
    assert (machine.reports[-1]["phase"], machine.reports[-1]["result"]) == ("ready", "ok")
    assert METADATA in machine.routes, "without this route the machine has no credentials, and SSM no way in"
    assert "microcosm-metadata-routes" in machine.tasks


def effects() -> int:
    return settled().calls


def test_the_first_start_leads_through_every_phase_and_one_restart_to_a_ready_node():
    """The whole way, in order, each phase reported as it begins."""
    machine = settled()
    assert_whole(machine)
    assert machine.boot == 2
    assert [report["phase"] for report in machine.reports] == PHASES
    assert set(machine.reports[-1]["phases"]) == set(PHASES)
    assert all(times["start"] <= times["end"] for times in machine.reports[-1]["phases"].values())


def sweep(step: int) -> list[Any]:
    """The number of every change that the script makes to a machine, all but each `step`-th marked as slow."""
    return [pytest.param(point, marks=[pytest.mark.slow] if point % step else []) for point in range(1, effects() + 1)]


@pytest.mark.parametrize("point", sweep(29))
def test_power_lost_at_any_point_is_made_good_by_the_next_start(point):
    """One change that the script makes to the machine is its last before a restart."""
    machine = Windows()
    machine.crash_at = point
    assert machine.run_at_every_start(SCRIPT) == 0, machine.reports[-1]
    assert_whole(machine)


@pytest.mark.parametrize("point", sweep(31))
def test_a_script_that_was_ended_goes_on_without_a_restart(point):
    """Somebody stops the task, or it is started again by hand."""
    machine = Windows()
    machine.crash_at = point
    for _ in range(2):
        with contextlib.suppress(Crash):
            machine.run(SCRIPT)
        if machine.restarting:
            machine.restart()
    assert machine.run_at_every_start(SCRIPT) == 0, machine.reports[-1]
    assert_whole(machine)


def test_a_ready_node_is_left_alone():
    """A run that finds everything there changes nothing and reports nothing."""
    machine = settled()
    before = (dict(machine.files), len(machine.reports), len(machine.log))
    assert machine.run(SCRIPT) == 0
    assert (machine.files, len(machine.reports)) == before[:2]
    assert [line for line in machine.log[before[2] :] if not line.startswith("kubectl.exe")] == []


def test_a_restart_of_a_ready_node_needs_no_metadata():
    """Services come up by themselves; the script must not hang on a route that HNS has just taken away."""
    machine = settled()
    machine.restart()
    assert METADATA not in machine.routes
    machine.later = [(60, lambda: machine.routes.add(METADATA))]  # the task that runs every minute
    assert machine.run_at_every_start(SCRIPT) == 0
    assert_whole(machine)


@pytest.mark.parametrize(
    ("phase", "exit_code", "breaks"),
    [
        ("feature", 10, {"netsh.exe"}),
        ("containerd", 13, {"containerd.exe"}),
        ("prepare-node", 14, {"icacls.exe"}),
        ("join", 15, {"kubeadm.exe"}),
        ("kube-proxy", 17, {"host-local.exe"}),
    ],
)
def test_a_phase_that_fails_is_named_with_its_own_exit_code(phase, exit_code, breaks):
    """The report says which phase and why, in one line."""
    machine = Windows()
    machine.broken = breaks
    assert machine.run_at_every_start(SCRIPT) == exit_code
    last = machine.reports[-1]
    assert (last["phase"], last["result"]) == (phase, "failed")
    assert f"{next(iter(breaks))} is broken" in last["detail"]
    assert "\n" not in last["detail"]
    assert len(last["detail"]) <= 500


def test_a_file_with_another_sum_is_never_used():
    """It does not get its name, and the machine stops at the download."""
    machine = Windows()
    machine.web["https://example.org/nssm"] = "something else"
    assert machine.run_at_every_start(SCRIPT) == 12
    assert "does not have the sum sha256:" in machine.reports[-1]["detail"]
    assert "c:\\microcosm\\downloads\\nssm" not in machine.files


def test_a_second_address_is_tried_when_the_first_fails():
    """nssm.cc is known to be away now and then."""
    machine = Windows()
    machine.inputs["Artifacts"]["nssm"]["Urls"].insert(0, "https://nssm.cc/away.zip")
    assert machine.run_at_every_start(SCRIPT) == 0


def test_preparenode_gets_verified_files():
    """It would download, and run, whatever it is given."""
    machine = settled()
    assert machine.files["c:\\k\\kubelet.exe"] == "kubelet.exe"
    assert machine.files["nssm.zip"] == "https://example.org/nssm"


def test_preparenode_gets_nothing_that_is_not_in_the_bill_of_materials():
    """A later version of it may want another file."""
    machine = Windows()
    machine.prepare_node = lambda **_: machine.shell.call("curl.exe", "-Lo", "C:\\k\\new.exe", "https://dl.k8s.io/new.exe")
    assert machine.run_at_every_start(SCRIPT) == 14
    assert "not in the bill of materials" in machine.reports[-1]["detail"]


def test_a_join_document_of_another_control_plane_is_not_believed():
    """It belongs to a control plane that is gone, with another CA."""
    machine = Windows()
    machine.parameters["/microcosm/dev/join"] = json.dumps(JOIN | {"instance": "i-0old", "endpoint": "10.9.9.9:6443"})
    machine.later = [(600, lambda: machine.parameters.update({"/microcosm/dev/join": json.dumps(JOIN)}))]
    assert machine.run_at_every_start(SCRIPT) == 0
    assert machine.clock > START + 600


def test_a_token_that_has_expired_is_waited_out():
    """The control plane's timer writes a new one."""
    machine = Windows()
    machine.parameters["/microcosm/dev/join"] = json.dumps(JOIN | {"expires": "2026-11-25T08:00:00+00:00"})
    machine.later = [(900, lambda: machine.parameters.update({"/microcosm/dev/join": json.dumps(JOIN)}))]
    assert machine.run_at_every_start(SCRIPT) == 0
    assert machine.clock > START + 900


def test_a_join_document_that_never_comes_fails_the_join_phase():
    """What it waited for stands in the report."""
    machine = Windows()
    machine.parameters["/microcosm/dev/join"] = "pending"
    assert machine.run_at_every_start(SCRIPT) == 15
    assert f"/microcosm/dev/join of {CONTROL_PLANE}" in machine.reports[-1]["detail"]
    assert machine.services["kubelet"].StartType == "Manual", "without its configuration it would only fail, and nssm pause it"


def test_the_token_stays_nowhere():
    """kubeadm gets it in a file that is gone when kubeadm is, also after a failure."""
    for breaks in (set(), {"kubeadm.exe"}):
        machine = Windows()
        machine.broken = breaks
        machine.run_at_every_start(SCRIPT)
        everything = json.dumps([machine.files, machine.log, machine.reports])
        assert TOKEN not in everything


def test_reports_that_cannot_be_sent_hold_up_nothing():
    """The metadata service is away from the first minute on."""
    machine = Windows()
    machine.parameters["/microcosm/dev/status/windows-0"] = "pending"
    machine.Write_SSMParameter = lambda *_, **__: (_ for _ in ()).throw(OSError("throttled"))
    assert machine.run_at_every_start(SCRIPT) == 0
    assert machine.node_is_ready


@pytest.mark.parametrize("broken", [set(), {"kubeadm.exe"}], ids=["ok", "failed"])
def test_the_last_report_is_sent_until_it_is_taken(broken):
    """`pulumi up` waits for it, and the Parameter Store takes three a second of a whole account."""
    machine = Windows()
    machine.broken = broken
    refused = 0

    def refuse_three(name, value, **_):
        nonlocal refused
        if json.loads(value)["result"] != "running" and refused < 3:
            refused += 1
            raise OSError("throttled")
        machine.reports.append(json.loads(value))

    machine.Write_SSMParameter = refuse_three
    machine.run_at_every_start(SCRIPT)
    assert machine.reports[-1]["result"] == ("failed" if broken else "ok")
    assert refused == 3


def test_a_confused_hns_is_reset_once():
    """The wrong diskette is in the drive."""
    machine = Windows()
    machine.hns_confused = True
    machine.files["c:\\programdata\\microsoft\\windows\\hns\\hns.data"] = "networks that are gone"
    assert machine.run_at_every_start(SCRIPT) == 0
    assert_whole(machine)


def test_the_source_vip_is_kept_for_as_long_as_the_subnet():
    """Asking for a second one is refused, and an old one may belong to a pod of another node."""
    machine = settled()
    assert "--source-vip=10.244.2.2" in machine.services["kube-proxy"].settings["AppParameters"]
    del machine.services["kube-proxy"]
    machine.run_at_every_start(SCRIPT)
    assert "--source-vip=10.244.2.2" in machine.services["kube-proxy"].settings["AppParameters"]
    machine.pod_cidr = "10.244.7.0/24"
    del machine.services["kube-proxy"]
    machine.run_at_every_start(SCRIPT)
    assert "--source-vip=10.244.7." in machine.services["kube-proxy"].settings["AppParameters"]


def test_a_feature_is_not_believed_to_be_there_before_the_restart():
    """Whatever Windows says of it."""
    machine = Windows()
    machine.feature_after_install = "Installed"
    assert machine.run_at_every_start(SCRIPT) == 0
    assert machine.boot == 2


def test_power_lost_before_the_restart_does_not_make_it_look_done():
    """The crash comes right after the feature was installed, and the machine starts without Windows' own restart."""
    machine = Windows()
    machine.feature_after_install = "Installed"
    machine.Install_WindowsFeature = lambda name: (setattr(machine, "feature", "Installed"), (_ for _ in ()).throw(Crash))
    with contextlib.suppress(Crash):
        machine.run(SCRIPT)
    del machine.Install_WindowsFeature
    assert machine.run_at_every_start(SCRIPT) == 0
    assert machine.boot == 2


def test_an_image_that_has_the_containers_feature_is_not_restarted():
    """The settings are made all the same."""
    machine = Windows()
    machine.feature = "Installed"
    assert machine.run_at_every_start(SCRIPT) == 0
    assert machine.boot == 1
    assert machine.registry["NoAutoUpdate"] == 1


def test_the_image_pull_begins_before_the_join():
    """A WCF image takes minutes, and should be there when its pod comes."""
    machine = settled()
    pull = next(index for index, line in enumerate(machine.log) if line.startswith("start ctr.exe") and "mcr.microsoft.com/wcf:1" in line)
    assert pull < next(index for index, line in enumerate(machine.log) if line.startswith("kubeadm.exe join"))


def test_the_conflist_comes_after_the_network():
    """With it the node says that it is ready for pods."""
    machine = Windows()
    machine.hns_confused = True
    machine.files["c:\\programdata\\microsoft\\windows\\hns\\hns.data"] = "stays"
    machine.Remove_Item = lambda *_, **__: None
    assert machine.run_at_every_start(SCRIPT) == 16
    assert CONFLIST not in machine.files
    assert KUBELET_CONF in machine.files
