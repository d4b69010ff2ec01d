"""The words for machines that do not come up, and which failure counts."""

import pytest

from infra import stuck


def failed(phase, start):
    return {"phase": phase, "result": "failed", "detail": "x", "phases": {phase: {"start": start, "end": None}}}


def test_a_failure_is_believed_when_nothing_more_happens():
    failures = stuck.Failures()
    reports = {"linux-0": failed("download", 1)}
    assert failures.final(reports, 100.0) == {}
    assert failures.final(reports, 100.0 + stuck.BELIEVED_SECONDS) == {}
    assert failures.final(reports, 101.0 + stuck.BELIEVED_SECONDS) == reports


def test_failures_in_different_phases_are_different_failures():
    """It got further: what failed first has passed."""
    failures = stuck.Failures()
    assert failures.final({"linux-0": failed("download", 1)}, 0.0) == {}
    assert failures.final({"linux-0": failed("join", 30)}, 30.0) == {}
    assert failures.final({"linux-0": failed("join", 60)}, 60.0) == {"linux-0": failed("join", 60)}


def test_machines_do_not_share_their_failures():
    failures = stuck.Failures()
    assert failures.final({"linux-0": failed("download", 1)}, 0.0) == {}
    assert failures.final({"linux-1": failed("download", 2)}, 5.0) == {}


@pytest.mark.parametrize(
    ("lost", "command"),
    [
        ({"linux-0": "stopped"}, "run `pulumi up` again"),
        ({"linux-0": "stopped", "linux-1": "terminated"}, "`pulumi up --refresh`"),
        ({"linux-0": None}, "`pulumi up --refresh`"),
        ({"control-plane": "terminated", "linux-0": "stopped"}, "`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`"),
        ({"control-plane": "stopped", "linux-0": "terminated"}, "`pulumi up --refresh`"),
    ],
)
def test_there_is_one_command_for_what_was_lost(lost, command):
    assert command in stuck.advice(lost)


def test_a_machine_that_runs_or_was_never_heard_of_is_not_lost():
    assert stuck.lost("linux-0", "i-1", "running", {"phase": "join"}) is None
    assert stuck.lost("linux-0", "i-1", "pending", {}) is None
    assert stuck.lost("linux-0", "i-1", None, {}) is None


def test_the_end_of_a_console_is_one_line():
    assert stuck.last_words("a\n\nb\n c \nd\n") == "Its console ends with: b | c | d"
    script = "cloud-init[9]: 2026-01-01T00:00:00Z microcosm: PutParameter was refused"
    assert stuck.last_words(f"{script}\n[  OK  ] Finished microcosm-boot.service.\n") == f"Its console ends with: {script}"
    assert stuck.last_words(" \n") == "Its console says nothing yet."
