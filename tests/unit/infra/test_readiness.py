"""What the gate waits for, logs and refuses."""

import asyncio
import json

import pytest

from infra.errors import ClusterNotReadyError
from infra.node.report import parse

from .fake_gate import CP, KUBECONFIG, WORKER, WRITTEN, FakeCloud, gate, report


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    async def at_once(_):
        pass

    monkeypatch.setattr("infra.readiness.asyncio.sleep", at_once)


def test_the_kubeconfig_comes_once_this_control_plane_wrote_it():
    cloud = FakeCloud(("pending", {}), (KUBECONFIG, {}))
    assert asyncio.run(gate(cloud).kubeconfig(CP)) == "the kubeconfig"


def test_a_kubeconfig_of_an_earlier_control_plane_is_never_believed():
    stale = json.dumps({"instance": "i-earlier", "kubeconfig": "stale"})
    with pytest.raises(ClusterNotReadyError):
        asyncio.run(gate(FakeCloud((stale, {}))).kubeconfig(CP))


def test_a_preview_reads_once_and_never_waits():
    assert asyncio.run(gate(FakeCloud(("pending", {})), wait=False).kubeconfig(CP)) is None
    assert asyncio.run(gate(FakeCloud((KUBECONFIG, {})), wait=False).kubeconfig(CP)) == "the kubeconfig"
    assert asyncio.run(gate(FakeCloud((KUBECONFIG, {})), wait=False).nodes({"linux-0": WORKER})) is None


def test_an_api_that_does_not_answer_is_waited_for():
    with pytest.raises(ClusterNotReadyError, match="not ready within 1 minutes"):
        asyncio.run(gate(FakeCloud((KUBECONFIG, {}), api_ready=False)).kubeconfig(CP))


def test_a_machine_whose_failure_stays_is_named_within_a_minute_with_phase_reason_and_console():
    failed = report(CP, "download", "failed", "kubelet: sha256 is aa, the bill of materials says bb")
    with pytest.raises(ClusterNotReadyError) as caught:
        asyncio.run(gate(FakeCloud(("pending", {"control-plane": failed})), minutes=9).kubeconfig(CP))
    message = str(caught.value)
    assert (
        "control-plane (i-cp) failed: phase download: kubelet: sha256 is aa, the bill of materials says bb"
        in message
    )
    assert "console of i-cp" in message


def test_a_timeout_names_only_the_machines_that_are_stuck():
    cloud = FakeCloud(("", {"linux-0": report("i-0", "ready", "ok"), "windows-0": report("i-1", "flannel")}))
    with pytest.raises(ClusterNotReadyError) as caught:
        asyncio.run(gate(cloud).nodes({"linux-0": "i-0", "windows-0": "i-1"}))
    assert "windows-0 (i-1) not ready within 1 minutes: phase flannel" in str(caught.value)
    assert "linux-0" not in str(caught.value)


def test_a_look_at_the_nodes_reads_their_reports_once():
    joining, ready = report(WORKER, "join"), report(WORKER, "ready", "ok")
    cloud = FakeCloud(*[("", {"linux-0": joining})] * 3, ("", {"linux-0": ready}))
    asyncio.run(gate(cloud).nodes({"linux-0": WORKER}))
    assert cloud.calls == ["/microcosm/dev/status"] * 4


@pytest.mark.parametrize(
    ("nodes", "seconds"),
    [
        (1, [0.125, 0.25, 0.5, 1.0, 1.0]),
        (30, [0.3, 0.3, 0.5, 1.0, 1.0]),
        (100, [1.0] * 5),
        (1000, [10.0] * 5),
    ],
)
def test_the_first_looks_come_soon_and_many_nodes_are_looked_at_less_often_so_that_an_accounts_calls_suffice(
    monkeypatch, nodes, seconds
):
    pauses = []

    async def noted(pause):
        pauses.append(pause)

    monkeypatch.setattr("infra.readiness.asyncio.sleep", noted)
    instances = {f"linux-{index}": f"i-{index}" for index in range(nodes)}
    ready = {node: report(instance, "ready", "ok") for node, instance in instances.items()}
    asyncio.run(gate(FakeCloud(*[("", {})] * len(seconds), ("", ready))).nodes(instances))
    assert pauses == seconds


def download_failed(start):
    document = json.loads(report(CP, "download", "failed", "no such host"))
    return json.dumps(document | {"phases": {"download": {"start": start, "end": None}}})


def test_a_machine_that_tries_again_and_succeeds_fails_no_up():
    told = []
    cloud = FakeCloud(
        ("pending", {"control-plane": download_failed(1)}),
        ("pending", {"control-plane": report(CP, "download")}),
        (KUBECONFIG, {}),
    )
    assert asyncio.run(gate(cloud, tell=told.append).kubeconfig(CP)) == "the kubeconfig"
    assert told[0] == "control-plane: download failed, and is tried again: no such host"


def test_a_second_failure_in_the_same_phase_counts_at_once():
    looks = [download_failed(1), report(CP, "download"), download_failed(25)]
    ticks = []
    cloud = FakeCloud(*[("pending", {"control-plane": look}) for look in looks])
    with pytest.raises(
        ClusterNotReadyError, match=r"control-plane \(i-cp\) failed: phase download: no such host"
    ):
        asyncio.run(gate(cloud, minutes=9, tell=ticks.append).kubeconfig(CP))
    assert len(cloud.looks) == 1
    assert ticks == ["control-plane: download failed, and is tried again: no such host"], (
        "a phase that is known is not told again"
    )


@pytest.mark.parametrize(
    ("state", "command"),
    [
        ("stopped", "aws ec2 start-instances --instance-ids i-worker"),
        ("terminated", "`pulumi up --refresh`"),
        (None, "`pulumi up --refresh`"),
    ],
)
def test_a_machine_that_ec2_has_ended_is_named_though_it_last_said_that_all_is_well(state, command):
    """Pulumi itself looks at an instance only when it refreshes."""
    states = {CP: "running"} | ({WORKER: state} if state else {})
    cloud = FakeCloud(
        ("", {"linux-0": report(WORKER, "ready", "ok"), "control-plane": report(CP, "ready", "ok")}),
        states=states,
    )
    with pytest.raises(ClusterNotReadyError) as caught:
        asyncio.run(gate(cloud).nodes({"control-plane": CP, "linux-0": WORKER}))
    assert str(caught.value).startswith(f"linux-0 (i-worker) is {state or 'terminated'}: phase ready")
    assert command in str(caught.value)
    assert "control-plane (" not in str(caught.value)


def test_a_lost_control_plane_is_another_cluster():
    cloud = FakeCloud(
        (KUBECONFIG, {"control-plane": report(CP, "ready", "ok")}), states={CP: "shutting-down"}
    )
    with pytest.raises(
        ClusterNotReadyError, match="`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`"
    ):
        asyncio.run(gate(cloud).kubeconfig(CP))


def test_an_instance_that_is_too_new_to_be_listed_is_waited_for():
    """EC2's answers are eventually consistent."""
    cloud = FakeCloud(("pending", {}), (KUBECONFIG, {}), states={"i-other": "running"})
    assert asyncio.run(gate(cloud).kubeconfig(CP)) == "the kubeconfig"


def test_a_silent_api_of_a_machine_that_is_ready_is_told_once_and_named_in_the_end():
    told = []
    with pytest.raises(
        ClusterNotReadyError,
        match=r"control-plane \(i-cp\) not ready within 1 minutes: .*its API does not answer",
    ):
        asyncio.run(
            gate(
                FakeCloud((KUBECONFIG, {"control-plane": report(CP, "ready", "ok")}), api_ready=False),
                tell=told.append,
            ).kubeconfig(CP)
        )
    assert [line for line in told if "API" in line] == [
        line for line in told if line.startswith("control-plane: the machine")
    ]
    assert len([line for line in told if "API" in line]) == 1


def test_what_a_machine_says_of_a_phase_that_lasts_is_told():
    told = []
    waiting = report(WORKER, "join", "running", "kubeadm_join failed: no signature for the token")
    cloud = FakeCloud(
        ("", {"linux-0": report(WORKER, "join")}),
        *[("", {"linux-0": waiting})] * 3,
        ("", {"linux-0": report(WORKER, "ready", "ok")}),
    )
    asyncio.run(gate(cloud, minutes=9, tell=told.append).nodes({"linux-0": WORKER}))
    assert told == ["linux-0: join", "linux-0: join: kubeadm_join failed: no signature for the token"]


def test_a_machine_that_says_nothing_for_a_minute_is_named_once_with_the_end_of_its_console():
    told = []
    cloud = FakeCloud(*[("", {})] * 12, ("", {"linux-0": report(WORKER, "ready", "ok")}))
    asyncio.run(gate(cloud, minutes=9, tell=told.append).nodes({"linux-0": WORKER}))
    (line,) = [line for line in told if line.startswith("linux-0 (i-worker): no report yet")]
    assert line.endswith("Its console ends with: console of i-worker")


def refused(cloud, minutes=9):
    """Why the wait for one Windows node ended."""
    with pytest.raises(ClusterNotReadyError) as caught:
        asyncio.run(gate(cloud, minutes=minutes).nodes({"windows-0": "i-win"}))
    return str(caught.value)


def test_a_machine_that_cannot_know_its_id_is_heard():
    """The bootstrap of a Windows node fails before the metadata service could be asked."""
    failed = report("", "feature", "failed", "bootstrap: no s3://bucket/node.ps1")
    assert "windows-0 (i-win) failed: phase feature: bootstrap: no s3://bucket/node.ps1" in refused(
        FakeCloud(("", {"windows-0": failed}))
    )


# Seconds from a failure in phase join to the next report, as run.ps1 and node.ps1 spend them on a slow
# t3.large: the pause, the start of PowerShell with the AWS module, and the test of the phase, which waits for
# what may still come.
WINDOWS_SCHEDULE = [60, 60, 180]


def test_a_windows_machine_that_fails_once_and_then_succeeds_on_its_own_schedule_fails_no_up():
    clock = 0
    failed = json.loads(report("i-win", "flannel", "failed", "no flanneld that is ready within 240 s")) | {
        "phases": {}
    }
    until = sum(WINDOWS_SCHEDULE)

    class Windows(FakeCloud):
        def reports(self, path):
            nonlocal clock
            clock += 10
            texts = [json.dumps(failed), report("i-win", "flannel"), report("i-win", "ready", "ok")]
            return {"windows-0": parse("windows-0", texts[(clock > until) + (clock > until + 60)], WRITTEN)}

    told = []
    assert (
        asyncio.run(gate(Windows(("", {})), minutes=20, tell=told.append).nodes({"windows-0": "i-win"}))
        is True
    )
    assert told[0] == "windows-0: flannel failed, and is tried again: no flanneld that is ready within 240 s"
