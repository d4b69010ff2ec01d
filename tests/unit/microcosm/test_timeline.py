"""The model of a bring-up: what is known at one moment, and what it means."""

from dataclasses import replace

import pytest

from infra.node.report import NO_REPORT
from microcosm.timeline import model as timeline
from microcosm.timeline import stuck
from microcosm.timeline.model import State
from microcosm.timeline.stuck import Issue
from tests.support.stories import START, all_ready, built, machine, report


def test_the_time_before_the_first_word_is_the_boot() -> None:
    """A machine's first report says when its boot was over."""
    (node,) = built(60, [machine("linux-0", 5)], [report("linux-0", ("prepare", 35, None))]).nodes
    assert [(span.name, span.start - START, span.end and span.end - START) for span in node.spans] == [
        ("boot", 5, 35),
        ("prepare", 35, None),
    ]


def test_a_machine_that_never_spoke_is_still_booting() -> None:
    """Silence is shown as what it is, with the time it has lasted."""
    (node,) = built(60, [machine("linux-0")], []).nodes
    assert (node.state, node.phase, node.spans[0].seconds(START + 60)) == (State.RUNNING, "boot", 60)
    assert node.detail == NO_REPORT


def test_a_report_of_an_earlier_instance_is_not_believed() -> None:
    """A replaced machine's node name and parameter live on; its words do not count for the new one."""
    stale = report("linux-0", ("ready", 1, 2), result="ok")
    replacement = replace(machine("linux-0", 50), instance="i-new")
    (node,) = built(60, [replacement], [stale]).nodes
    assert (node.state, node.phase) == (State.RUNNING, "boot")


@pytest.mark.parametrize(("written", "state"), [(40, State.RUNNING), (60, State.FAILED)])
def test_a_report_without_an_id_counts_from_the_launch_on(written: int, state: State) -> None:
    """The rule is that of the readiness wait (infra/node/report.py): an earlier machine may have written
    it.
    """
    failed = report("windows-0", ("feature", 1, None), result="failed", detail="bootstrap: no script")
    unnamed = replace(failed, instance="", written=START + written)
    (node,) = built(70, [machine("windows-0", 50)], [unnamed]).nodes
    assert node.state is state


def test_a_declared_node_without_instance_is_not_launched() -> None:
    """Pulumi declares the status parameters before it launches the machines."""
    (node,) = timeline.build(
        stack="dev", region="eu-west-1", now=START, machines=[], reports={"linux-0": None}
    ).nodes
    assert (node.state, node.detail) == (State.NOT_LAUNCHED, "declared, no instance yet")


def test_nothing_at_all_is_neither_ready_nor_finished() -> None:
    """Before anything is declared there is nothing to be glad of."""
    empty = built(60, [], [])
    assert (empty.nodes, empty.ready, empty.finished, empty.failed) == ((), False, False, False)


def test_ready_needs_the_last_phase_and_its_success() -> None:
    """A phase that ended well is not the end; neither is a ready phase that still runs."""
    machines = [machine("linux-0"), machine("linux-1"), machine("linux-2")]
    reports = [
        report("linux-0", ("join", 1, 2), result="ok"),
        report("linux-1", ("ready", 1, None)),
        report("linux-2", ("ready", 1, 9), result="ok"),
    ]
    assert [node.state for node in built(10, machines, reports).nodes] == [
        State.RUNNING,
        State.RUNNING,
        State.READY,
    ]


def test_a_stopped_instance_has_failed_whatever_it_said() -> None:
    """A machine that was stopped by hand will not report it."""
    (node,) = built(60, [machine("linux-0", state="stopped")], [report("linux-0", ("join", 1, None))]).nodes
    assert (node.state, node.detail) == (State.FAILED, "the instance is stopped")


def test_a_failure_is_an_issue_with_its_phase_and_words() -> None:
    """The issue has node, phase, duration and detail."""
    failed = report("linux-0", ("download", 20, 32), result="failed", detail="kubelet: wrong sha256")
    whole = built(60, [machine("linux-0")], [failed])
    assert whole.failed
    assert whole.finished
    assert not whole.ready
    assert stuck.issues(whole) == (
        Issue(
            node="linux-0",
            phase="download",
            seconds=12,
            usual=180,
            failed=True,
            detail="kubelet: wrong sha256",
        ),
    )


@pytest.mark.parametrize(
    ("node", "seconds", "is_issue"),
    [("linux-0", 179, False), ("linux-0", 181, True), ("windows-0", 419, False), ("windows-0", 421, True)],
)
def test_a_phase_is_stuck_when_it_lasts_longer_than_usual_for_its_system(
    node: str, seconds: int, is_issue: bool
) -> None:
    """Windows is given the time that Windows takes."""
    whole = built(10 + seconds, [machine(node)], [report(node, ("download", 10, None))])
    assert bool(stuck.issues(whole)) is is_issue


def test_a_machine_that_stopped_between_two_phases_is_stuck_too() -> None:
    """A phase that ended long ago with nothing after it is a machine that died in between."""
    whole = built(1000, [machine("linux-0")], [report("linux-0", ("containerd", 10, 12), result="ok")])
    assert [(issue.phase, issue.seconds) for issue in stuck.issues(whole)] == [("containerd", 988)]


def test_failures_come_before_what_is_only_slow() -> None:
    """The worst is read first."""
    slow, failed = (
        report("linux-0", ("download", 1, None)),
        report("linux-1", ("download", 1, 2), result="failed"),
    )
    whole = built(900, [machine("linux-0"), machine("linux-1")], [slow, failed])
    assert [issue.node for issue in stuck.issues(whole)] == ["linux-1", "linux-0"]


def test_the_whole_ends_with_the_last_machine_and_not_now() -> None:
    """Looked at a day later, a bring-up has still taken what it took."""
    whole = all_ready()
    assert (whole.start, whole.end) == (START, START + 60)
    assert whole.last is not None
    assert whole.last.name == "windows-0"
    assert whole.longest is not None
    assert (whole.longest[0].name, whole.longest[1].name) == ("windows-0", "feature")


def test_the_control_plane_is_read_first_and_linux_before_windows() -> None:
    """The order in which a cluster comes up."""
    nodes = ["windows-0", "linux-1", "control-plane", "linux-0"]
    assert [node.name for node in built(9, [machine(node) for node in nodes], []).nodes] == [
        "control-plane",
        "linux-0",
        "linux-1",
        "windows-0",
    ]


def test_of_two_instances_with_one_name_the_newer_counts() -> None:
    """While a machine is replaced, both exist for a while."""
    old, new = machine("linux-0", 0), machine("linux-0", 50)
    assert len(built(60, [new, old], []).nodes) == 1
    assert built(60, [new, old], []).nodes[0].spans[0].start == START + 50
