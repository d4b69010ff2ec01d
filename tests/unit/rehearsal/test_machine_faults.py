"""Test the pure parts of the machine faults: the output of commands, the steps of a run, and its table."""

import shlex
from types import SimpleNamespace

import pytest

from rehearsal.document import Section
from rehearsal.scenarios import life as ordinary
from rehearsal.scenarios.checks import CheckFailed
from rehearsal.scenarios.machine_faults import report, scenario, table
from rehearsal.scenarios.machine_faults.command import Command, program_line
from rehearsal.scenarios.machine_faults.fault import Outcome

# --- a command under way


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        ("    pulumi:pulumi:Stack microcosm-rehearsal running linux-1: join\n", "linux-1: join"),
        (" +  pulumi:pulumi:Stack microcosm-rehearsal creating (12s) linux-1: join\n", "linux-1: join"),
        (
            "    error: linux-0 (i-0a) is terminated: phase ready\n",
            "linux-0 (i-0a) is terminated: phase ready",
        ),
        (
            "    pulumi:pulumi:Stack microcosm-rehearsal running error: linux-0 (i-0a) failed: x",
            "linux-0 (i-0a) failed: x",
        ),
        ("linux-0 (i-0a) is stopped", "linux-0 (i-0a) is stopped"),
        ("    - 71 deleted\n", "- 71 deleted"),
    ],
)
def test_what_the_program_said_is_taken_out_of_what_pulumi_prints(printed, line):
    assert program_line(printed) == line


@pytest.fixture
def command(tmp_path):
    session = SimpleNamespace(project=tmp_path, environment={"PATH": "/usr/bin:/bin"})
    return lambda script: Command(session, "bash", "-c", script, tell=lambda line: None)


def test_a_line_that_never_comes_is_a_failed_check_with_all_that_was_said(command):
    with pytest.raises(CheckFailed, match=r"did not print 'linux-1' within 30 s:\nsomething else"):
        command("echo something else").wait_for("linux-1", 30)


def test_a_command_that_should_fail_must_fail_with_the_line_that_is_expected(command):
    assert (
        command("echo 'error: linux-0 (i-1) is stopped'; exit 1").failed("linux-0 (", "stopped")
        == "linux-0 (i-1) is stopped"
    )
    for script in ("echo linux-0 stopped", "echo something else; exit 1"):
        with pytest.raises(CheckFailed):
            command(script).failed("linux-0", "stopped")


def test_the_phases_of_a_machine_are_told_in_their_order(command):
    lines = ("linux-1: download", "linux-0: ready", "linux-1: booting", "linux-1: join: no token")
    under_way = command(
        f"printf ' pulumi:pulumi:Stack dev running %s\\n' {shlex.join(lines)}; echo linux-1: join"
    )
    under_way.succeeded()
    assert under_way.phases("linux-1") == "linux-1: download -> booting -> join"


def test_a_machine_of_which_nothing_was_told_is_a_failed_check(command):
    under_way = command("echo linux-1: join")
    under_way.succeeded()
    with pytest.raises(CheckFailed, match="printed no phase of linux-1"):
        under_way.phases("linux-1")


# --- what a run is made of


def test_every_fault_has_a_name_of_its_own_and_can_be_played_alone():
    names = [fault.name for fault in table.FAULTS]
    assert len(names) == len(set(names))
    assert set(scenario.SCENARIOS) == {scenario.ALL, *names}
    assert not set(scenario.SCENARIOS) & set(ordinary.SCENARIOS)


@pytest.mark.parametrize("name", scenario.SCENARIOS)
def test_every_run_lists_what_was_there_and_ends_with_nothing_left(name):
    steps = scenario.SCENARIOS[name]
    assert steps[0].act is ordinary.preview
    if name in (scenario.ALL, table.LAST.name):
        assert steps[-1].name == table.LAST.name, "it destroys and audits itself"
    else:
        assert [step.act for step in steps[-2:]] == [ordinary.destroy, ordinary.audit]


# --- the table


def outcome(fault, seen, seconds=12.4):
    return Outcome(fault=fault, seen=seen, proof="3 nodes Ready", seconds=seconds)


def test_a_row_replaces_the_one_of_its_fault_and_faults_that_are_gone_have_none(tmp_path, monkeypatch):
    document = tmp_path / "reliability.md"
    document.write_text("<!-- faults: begin -->\n| gone-fault | x |\n<!-- faults: end -->\n")
    monkeypatch.setattr(report, "SECTION", Section(document, "faults"))
    second, first = table.MACHINE_FAULTS[0], table.FIRST
    for played in (
        outcome(second, "old"),
        outcome(first, "linux-0 (i-1) a|b <none>"),
        outcome(second, "new", 5),
    ):
        report.keep(played)
    text = document.read_text()
    assert "old" not in text
    assert "gone-fault" not in text
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    assert rows == ["| fault", f"| {first.name}", f"| {second.name}"], (
        "in the order in which one cluster goes through them"
    )
    assert r"| linux-0 (i-1) a\|b &lt;none> | heals by itself | 3 nodes Ready | 12 |" in text
    assert "2 faults, all survived" in text


# --- the mirror that misbehaves
