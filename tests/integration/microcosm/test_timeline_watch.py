"""Following a bring-up until it is settled."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from microcosm.timeline import screen as timeline_screen
from microcosm.timeline import watch as timeline_watch
from microcosm.timeline.model import State, Timeline
from tests.support.stories import all_ready, built, machine, report, stuck

from .conftest import TARGET, Cloud


class FakeClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def clock(self) -> timeline_watch.Clock:
        return timeline_watch.Clock(now=lambda: self.time, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def in_turn(*timelines: Timeline) -> Callable[[], Timeline]:
    """Each timeline once, the last for ever."""
    left = list(timelines)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


NOT_YET = built(9, [machine("linux-0")], [report("linux-0", ("join", 1, None), detail="waiting")])


def test_following_ends_when_all_are_ready() -> None:
    """The last timeline is the one that shows it."""
    timelines = list(
        timeline_watch.follow(in_turn(built(0, [], []), NOT_YET, all_ready()), 100, FakeClock().clock())
    )
    assert [timeline.ready for timeline in timelines] == [False, False, True]


def test_following_ends_at_the_first_failure() -> None:
    """Others may wait for the failed machine for ever."""
    timelines = list(timeline_watch.follow(in_turn(NOT_YET, stuck(), all_ready()), 100, FakeClock().clock()))
    assert [timeline.failed for timeline in timelines] == [False, True]


def test_following_gives_up_when_the_time_is_over() -> None:
    """Nothing waits for ever."""
    clock = FakeClock()
    timelines = list(timeline_watch.follow(in_turn(NOT_YET), 10, clock.clock()))
    assert len(timelines) == 6
    assert clock.time == 10


def test_a_poll_takes_machines_and_reports_together(cloud: Cloud) -> None:
    """EC2's facts and the machine's report form one node."""
    instance = cloud.machine("linux-0")
    said = {
        "instance": instance,
        "node": "linux-0",
        "phase": "ready",
        "result": "ok",
        "phases": {"ready": {"start": 1, "end": 2}},
    }
    cloud.parameter("status/linux-0", json.dumps(said))
    cloud.parameter("status/linux-1", "pending")
    polled = timeline_watch.poll(cloud.session, TARGET)
    assert [(node.name, node.state) for node in polled.nodes] == [
        ("linux-0", State.READY),
        ("linux-1", State.NOT_LAUNCHED),
    ]


def test_a_log_gets_a_line_for_each_change_and_the_whole_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal nothing is drawn twice; the page is written each time, at last without its
    reload.
    """
    page = tmp_path / "timeline.html"
    last = timeline_screen.draw(
        [built(0, [], []), NOT_YET, NOT_YET, all_ready()], Console(force_terminal=False), page, quiet=False
    )
    lines = capsys.readouterr().out.splitlines()
    assert last.ready
    assert lines[0].strip() == "9s  linux-0: join waiting"
    assert sum("linux-0: join" in line for line in lines) == 1
    assert [line.partition(" ")[0] for line in lines[-3:]] == ["control-plane", "windows-0", "critical"]
    assert "refresh" not in page.read_text()
