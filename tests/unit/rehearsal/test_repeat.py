"""Many runs of a scenario, reduced to a rate, the failures and the spread."""

import pytest

from rehearsal import runs, variant
from rehearsal.errors import CommandFailed, RehearsalError
from rehearsal.scenarios import life, repeat
from rehearsal.scenarios.checks import CheckFailed

PULUMI = """`pulumi up --yes` failed with 255:
Updating (rehearsal):
error: update failed

Diagnostics:
"""


def attempt(number, up):
    run = life.Run(session=None, say=print, tell=print, seconds={"preview": 3.0, "up": up}, up_seconds=up - 4)
    return repeat.passed(number, run)


def test_the_spread_is_over_the_runs_that_passed():
    attempts = [attempt(1, 40.0), attempt(2, 60.0), attempt(3, 44.0), repeat.failed(4, CheckFailed("no"))]
    assert repeat.rate(attempts) == "3 of 4 passed"
    assert repeat.spread(attempts) == [
        ("preview", 3.0, 3.0, 3.0),
        ("up", 40.0, 44.0, 60.0),
        ("all", 43.0, 47.0, 63.0),
        (repeat.UP_ALONE, 36.0, 40.0, 56.0),
    ]
    assert "| up | 40.0 | 44.0 | 60.0 |" in repeat.markdown(attempts)


def test_a_failure_is_told_with_its_step_and_the_line_that_says_why():
    def act(run):
        raise CommandFailed(PULUMI)

    run = life.Run(session=None, say=print, tell=print)
    with pytest.raises(CommandFailed) as caught:
        life.play((life.Step("up", "", act),), run, lambda step: None, lambda *_: None)
    (line,) = repeat.failures([repeat.failed(7, caught.value)])
    assert line == "run 7 failed at up: error: update failed"


class Sessions:
    """Opens and closes nothing, and counts it."""

    def __init__(self, monkeypatch, tmp_path):
        self.opened, self.closed, self.saved = 0, 0, []
        monkeypatch.setattr(runs, "open_session", self.open)
        monkeypatch.setattr(runs, "close_session", self.close)
        monkeypatch.setattr(runs, "keep_logs", lambda session, folder: self.saved.append(folder.name))
        monkeypatch.setattr(runs, "FAILED_LOGS", tmp_path)

    def open(self, supplies, variant):
        self.opened += 1
        return type("Session", (), {"endpoint": "http://127.0.0.1", "region": variant.region})()

    def close(self):
        self.closed += 1


def test_every_run_has_a_session_of_its_own_and_only_those_that_fail_leave_logs(monkeypatch, tmp_path):
    sessions = Sessions(monkeypatch, tmp_path)
    kept = []
    monkeypatch.setattr(runs.figures, "keep_many", lambda text, name: kept.append((text, name)))

    def play(steps, session):
        if sessions.opened == 2:
            raise CheckFailed("cluster DNS answers linux-0 with code 2")
        return life.Run(session=session, say=print, tell=print, seconds={"up": 40.0})

    monkeypatch.setattr(runs, "_play", play)
    with pytest.raises(
        RehearsalError, match="2 of 3 passed\nrun 2 failed at opening the session: cluster DNS"
    ):
        runs.many(3, (), None, variant.Variant(region="us-west-2"), "rehearsals")
    assert (sessions.opened, sessions.closed, sessions.saved) == (3, 3, ["run-02"])
    assert kept[0][1] == "rehearsals"
    assert "2 of 3 passed" in kept[0][0]
