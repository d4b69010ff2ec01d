"""The words for machines that do not come up, and which failure counts."""

import re

import pytest

from infra.node import diagnosis, userdata
from infra.node.report import PhaseTimes, Report

FAMILIES = {"linux-0": "linux", "linux-1": "linux", "windows-0": "windows"}
WINDOWS = userdata.SCRIPTS / "windows"


def failed(phase, start, node="linux-0"):
    times = (PhaseTimes(name=phase, start=start, end=None),)
    return {node: Report(node=node, instance="i-1", phase=phase, result="failed", detail="x", phases=times)}


@pytest.mark.parametrize("node", ["linux-0", "windows-0"])
def test_a_failure_is_believed_when_nothing_more_happens(node):
    failures, grace = diagnosis.Failures(), diagnosis.GRACE_SECONDS[FAMILIES[node]]
    reports = failed("download", 1, node)
    assert failures.final(reports, 100.0, FAMILIES) == {}
    assert failures.final(reports, 100.0 + grace, FAMILIES) == {}
    assert failures.final(reports, 101.0 + grace, FAMILIES) == reports


def test_failures_in_different_phases_are_different_failures():
    """It got further: what failed first has passed."""
    failures = diagnosis.Failures()
    assert failures.final(failed("download", 1), 0.0, FAMILIES) == {}
    assert failures.final(failed("join", 30), 30.0, FAMILIES) == {}
    assert failures.final(failed("join", 60), 60.0, FAMILIES) == failed("join", 60)


def test_machines_do_not_share_their_failures():
    failures = diagnosis.Failures()
    assert failures.final(failed("download", 1), 0.0, FAMILIES) == {}
    assert failures.final(failed("download", 2, "linux-1"), 5.0, FAMILIES) == {}


def test_a_machine_that_ec2_does_not_list_yet_has_the_longest_grace():
    failures = diagnosis.Failures()
    assert failures.final(failed("download", 1), 0.0, {}) == {}
    assert failures.final(failed("download", 1), diagnosis.GRACE_SECONDS["windows"], {}) == {}


def test_the_grace_of_a_family_is_longer_than_its_machines_are_silent_between_two_attempts():
    """Added up from the scripts, so that a longer pause there is a longer grace here."""
    timer = re.search(r"OnUnitInactiveSec=(\d+)", (userdata.SCRIPTS / "linux/common.sh").read_text())
    assert int(timer[1]) < diagnosis.GRACE_SECONDS["linux"] <= 60
    (pause,) = re.findall(
        r"if \(\$code\) \{ Start-Sleep -Seconds (\d+) \}", (WINDOWS / "bootstrap.ps1").read_text()
    )
    # PowerShell and the AWS module on a busy t3.large; then plan.ps1 reports that it goes on, before it tests
    # any phase.
    starts = 60
    assert int(pause) + starts < diagnosis.GRACE_SECONDS["windows"]


@pytest.mark.parametrize(
    ("lost", "command"),
    [
        ({"linux-0": "stopped"}, "run `pulumi up` again"),
        ({"linux-0": "stopped", "linux-1": "terminated"}, "`pulumi up --refresh`"),
        ({"linux-0": None}, "`pulumi up --refresh`"),
        (
            {"control-plane": "terminated", "linux-0": "stopped"},
            "`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`",
        ),
        ({"control-plane": "stopped", "linux-0": "terminated"}, "`pulumi up --refresh`"),
    ],
)
def test_there_is_one_command_for_what_was_lost(lost, command):
    assert command in diagnosis.advice(lost)


def test_a_machine_that_runs_or_was_never_heard_of_is_not_lost():
    assert diagnosis.lost("linux-0", "i-1", "running", failed("join", 1)["linux-0"]) is None
    assert diagnosis.lost("linux-0", "i-1", "pending", None) is None
    assert diagnosis.lost("linux-0", "i-1", None, None) is None


def test_the_end_of_a_console_is_one_line():
    assert diagnosis.last_words("a\n\nb\n c \nd\n") == "Its console ends with: b | c | d"
    script = "cloud-init[9]: 2026-01-01T00:00:00Z microcosm: PutParameter was refused"
    assert (
        diagnosis.last_words(f"{script}\n[  OK  ] Finished microcosm-boot.service.\n")
        == f"Its console ends with: {script}"
    )
    assert diagnosis.last_words(" \n") == "Its console says nothing yet."
