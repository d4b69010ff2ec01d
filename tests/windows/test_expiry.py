"""A Windows node ends itself when its stack's time is over, also when it cannot ask any more."""

import json

import pytest

from . import SCRIPT
from .machine import METADATA, START, Windows

NAME = "/microcosm/dev/expiry"
HOUR = 3600


def expiring(expires_at: str = "2026-11-25T12:00:00Z") -> Windows:
    """A node whose script has run, in a stack with an end; START is 09:00."""
    machine = Windows(ExpiryParameter=NAME)
    machine.parameters[NAME] = json.dumps({"expiresAt": expires_at, "graceMinutes": 60})
    assert machine.run_at_every_start(SCRIPT) == 0
    return machine


def ended_at(machine: Windows, seconds: float) -> bool:
    """Whether the task, run at this time, shuts Windows down."""
    machine.clock = START + seconds
    machine.log.clear()
    machine.run(machine.files["c:\\microcosm\\stop-expired.ps1"])
    return "stop" in machine.log


def test_the_task_is_there_from_the_first_phase_on():
    """A node that fails later ends all the same."""
    machine = Windows(ExpiryParameter=NAME)
    machine.broken = {"netsh.exe"}
    assert machine.run_at_every_start(SCRIPT) == 10
    assert "microcosm-expiry" in machine.tasks


def test_a_stack_without_an_end_has_no_task():
    machine = Windows()
    assert machine.run_at_every_start(SCRIPT) == 0
    assert "microcosm-expiry" not in machine.tasks


@pytest.mark.parametrize(("hours", "ends"), [(2.9, False), (3.9, False), (4.1, True)])
def test_the_node_ends_at_the_expiry_and_its_grace(hours: float, ends: bool):
    assert ended_at(expiring(), hours * HOUR) is ends


def test_an_extension_is_followed():
    machine = expiring()
    assert not ended_at(machine, 3 * HOUR)
    machine.parameters[NAME] = json.dumps({"expiresAt": "2026-11-25T18:00:00Z", "graceMinutes": 60})
    assert not ended_at(machine, 9.9 * HOUR)
    assert ended_at(machine, 10.1 * HOUR)


@pytest.mark.parametrize(("hours", "ends"), [(6.9, False), (7.1, True)])
def test_a_node_that_cannot_ask_ends_three_hours_later(hours: float, ends: bool):
    machine = expiring()
    ended_at(machine, HOUR)
    machine.routes.discard(METADATA)
    assert ended_at(machine, hours * HOUR) is ends


@pytest.mark.parametrize(("hours", "ends"), [(75, False), (77, True)])
def test_a_node_that_never_could_ask_ends_after_the_longest_life(hours: float, ends: bool):
    machine = expiring("not a date")
    assert ended_at(machine, hours * HOUR) is ends


@pytest.mark.parametrize("text", ["it's", "'; Stop-Computer -Force; '", "$(Stop-Computer -Force)", '`$x\n"y"', "a\u2019b"])
def test_what_becomes_part_of_a_script_stays_a_text(text: str):
    """The task's script holds the parameter's name: whatever is in it arrives, and none of it runs."""
    machine = Windows(ExpiryParameter=text)
    machine.parameters[text] = json.dumps({"expiresAt": "2026-11-25T12:00:00Z", "graceMinutes": 60})
    assert machine.run_at_every_start(SCRIPT) == 0
    asked: list[str] = []
    machine.Get_SSMParameter = lambda name, **_: asked.append(name) or {"Value": machine.parameters[name]}
    assert not ended_at(machine, HOUR)
    if "\u2019" in text:  # the stand-in's PowerShell has one kind of quote
        assert "\u2019\u2019" in machine.files["c:\\microcosm\\stop-expired.ps1"]
    else:
        assert asked == [text]
