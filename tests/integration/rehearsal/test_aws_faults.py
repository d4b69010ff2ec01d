"""The sweep over failing AWS calls: its series, its chain of runs, what counts as survived, what it writes
down.
"""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal.fake_aws.faults import FAULTS
from rehearsal.fake_aws.inventory import Resource
from rehearsal.scenarios.aws_faults import report, series, sweep
from rehearsal.scenarios.aws_faults.drive import Run
from rehearsal.scenarios.aws_faults.play import Result, play
from rehearsal.scenarios.aws_faults.series import SERVICES, Series

LASTING = Series(fault="lost-reply")
VPC = Resource("VPC", "vpc-1")


class FakeDriver:
    """A stack that needs three calls to come up and one to go. `stuck` fails of itself until a repair."""

    def __init__(self, stuck: str = "", repairs_help: bool = True, leaks: bool = False) -> None:
        self.world = SimpleNamespace(inventory=dict)
        self.log = ["error: EntityAlreadyExists"]
        self.stuck, self.repairs_help, self.leaks = stuck, repairs_help, leaks
        self.said: list[str] = []

    def prepare(self, series: Series) -> None:
        pass

    def run(self, series: Series, spare: Sequence[str], command: str, *options: str) -> Run:
        self.said.append(command)
        keys = ["a", "b", "c"] if command == "up" else ["d"]
        fresh = [key for key in keys if key not in spare][: series.limit or 1]
        calls = [
            {"key": key, "service": "ec2", "action": key, "seen": 3, "failed": 3 if key in fresh else 0}
            for key in keys
        ]
        return Run(code=int(bool(fresh) or self.stuck == command), output="", calls=calls)

    def repair(self) -> tuple[int, str]:
        self.said.append("repair")
        if self.repairs_help:
            self.stuck, self.leaks = "", False
        return 0, ""

    def plain(self, command: str, *options: str) -> tuple[int, str]:
        self.said.append(" ".join((command, *options)))
        return 0, ""

    def strays(self, before: object) -> list[str]:
        return []

    def left(self, before: object) -> list[str]:
        return [str(VPC)] if self.leaks else []

    def pending(self) -> list[str]:
        return []


def played(driver: FakeDriver, each: Series = LASTING) -> Result:
    return play(driver, each, lambda text: None)


def test_a_lasting_fault_meets_every_call_once_and_the_chain_ends_when_none_is_left():
    driver = FakeDriver()
    result = played(driver)
    assert result.survived
    assert [(part.command, sorted(part.failed), part.runs) for part in result.parts] == [
        ("up", ["a", "b", "c"], 4),
        ("destroy", ["d"], 2),
    ]
    assert driver.said[4:6] == ["up --expect-no-changes", "refresh --expect-no-changes"]


def test_what_fails_of_itself_is_repaired_once_and_counted():
    result = played(FakeDriver(stuck="up"))
    assert result.survived
    assert [part.repairs for part in result.parts] == [1, 0]


def test_what_no_repair_helps_is_not_survived_and_says_why():
    result = played(FakeDriver(stuck="up", repairs_help=False))
    assert not result.survived
    assert result.problems == ["`up` did not go through: error: EntityAlreadyExists"]


@pytest.mark.parametrize(("helps", "left"), [(True, []), (False, ["VPC vpc-1"])])
def test_a_leak_is_told_and_so_is_what_is_left_after_the_repair(helps, left):
    result = played(FakeDriver(leaks=True, repairs_help=helps))
    assert (result.leaked, result.left, result.survived) == (["VPC vpc-1"], left, not left)


def test_every_way_of_failing_is_tried_once_and_lastingly_on_every_service_and_on_the_state():
    for full in (False, True):
        found = {(each.fault, each.once, each.services) for each in series.of(full) if not each.kill_at}
        for fault in FAULTS:
            assert {
                (fault, True, (*SERVICES, "state")),
                (fault, False, SERVICES),
                (fault, False, ("state",)),
            } <= found
    assert len({each.name for each in series.of(True)}) == len(series.of(True))
    assert all(each.limit == 1 for each in series.of(True) if not (each.once or each.kill_at)), (
        "in full each lasting fault is alone in its run"
    )


def test_each_series_is_played_once_and_those_that_mostly_wait_beside_those_that_work(tmp_path, monkeypatch):
    by_world: dict[Path, list[Series]] = {}
    monkeypatch.setattr(sweep, "simulated_world", lambda folder, programs: nullcontext(folder))
    monkeypatch.setattr(
        sweep.Sweep, "_one", lambda self, each, world: by_world.setdefault(world, []).append(each)
    )
    todo = series.of(False)
    sweep.Sweep(tmp_path, tmp_path, tell=lambda *_: None, done=lambda *_: None).play(todo, at_once=2)
    assert sorted(each.name for found in by_world.values() for each in found) == sorted(
        each.name for each in todo
    )
    assert all(len({each.mostly_waits for each in found}) == 1 for found in by_world.values())


def test_a_result_comes_back_from_its_file_as_it_was():
    result = played(FakeDriver(leaks=True))
    assert Result.of(json.loads(json.dumps(result.document()))) == result


def test_the_report_tells_what_was_not_survived():
    good, bad = played(FakeDriver()), played(FakeDriver(stuck="destroy", repairs_help=False))
    good.played, bad.played = "2026-11-24", "2026-11-25"
    text = report.section([good, bad], expected=3, full=False)
    assert text.startswith("2026-11-24 to 2026-11-25, ")
    assert "1 of 2 series survived, 8 calls failed" in text
    assert "**Broken off after 2 of 3 series.**" in text
    assert "- lost-reply-lasting: `destroy` did not go through" in text
    assert "| lost-reply | in every attempt | `up` | 3 | 3 | 9 | 4 | 0 | yes |" in text
