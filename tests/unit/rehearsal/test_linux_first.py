"""rehearsal/scenarios/linux_first.py: on a fresh machine the Linux machines come first, and the Windows
pool by a second `up`.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

import rehearsal.__main__ as command
from infra.config import model as config
from rehearsal.build.errors import SuppliesError
from rehearsal.scenarios import life, linux_first
from rehearsal.scenarios.linux_first import LINUX_ALONE, LinuxFirst, first_cluster


@dataclass
class Recorded:
    """What a session, a build and `pulumi` were asked for, in order."""

    events: list[Any] = field(default_factory=list)
    supplies: str = "those of Linux"

    def write_config(self, **changes: object) -> None:
        self.events.append(changes)

    def output(self, *words: str) -> str:
        return "NAME ROLES\ncontrol-plane"

    def wait(self) -> None:
        self.events.append("the build has ended")

    def stop(self) -> None:
        self.events.append("the build is ended")


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    known = Recorded()
    monkeypatch.setattr(life, "preview", lambda run: known.events.append("preview") or "fine")
    monkeypatch.setattr(life, "up", lambda run: known.events.append("up") or "fine")
    monkeypatch.setattr(
        linux_first, "replace", lambda session, supplies: setattr(session, "supplies", supplies) or session
    )
    return known


def order(recorded: Recorded) -> LinuxFirst:
    return LinuxFirst(elapsed=lambda: 900.4, cpu_seconds=1500, rest=recorded, complete=lambda: "all of them")


def played(recorded: Recorded, steps: tuple[life.Step, ...]) -> tuple[list[str], list[str]]:
    said: list[str] = []
    texts: list[str] = []
    run = life.Run(session=recorded, say=said.append, tell=print)
    life.play(steps, run, lambda step: None, lambda step, seconds, text: texts.append(text))
    return said, texts


def test_the_windows_pool_joins_by_a_second_up_when_its_binaries_are_built(recorded: Recorded):
    played(recorded, order(recorded).steps[:3])
    assert recorded.events == [LINUX_ALONE, "preview", "up", "the build has ended", {}, "up"]
    assert recorded.supplies == "all of them", "the check of the Windows binaries looks for them there"


def test_the_first_cluster_is_shown_with_its_seconds_and_what_its_builds_used(recorded: Recorded):
    said, texts = played(recorded, order(recorded).steps[:2])
    assert "control-plane" in said[0]
    assert "the first cluster after 900 s since the command began" in texts[1]
    assert "1500 s of CPU" in texts[1]


def test_the_floor_is_the_processor_time_shared_by_the_cores():
    assert "on 2 cores it cannot be there before 750 s" in first_cluster(900, 1500, 2)


def test_the_rest_is_the_life_of_every_cluster(recorded: Recorded):
    assert order(recorded).steps[3:] == life.LIFE[2:]


def test_a_build_that_fails_ends_the_rehearsal_before_the_second_up(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
):
    def fails() -> None:
        raise SuppliesError("no")

    monkeypatch.setattr(recorded, "wait", fails)
    with pytest.raises(SuppliesError):
        played(recorded, order(recorded).steps[:3])
    assert recorded.events.count("up") == 1


def test_the_program_takes_the_configuration_of_the_linux_machines_alone():
    parsed = config.parse({"adminCidrs": ["127.0.0.0/8"], **LINUX_ALONE}, stack="dev")
    assert {pool.os.family for pool in parsed.node_pools} == {"linux"}


@pytest.fixture
def fresh(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The command on a machine that has no Windows binaries yet; what it makes and plays is listed."""
    done: list[Any] = []
    monkeypatch.setattr(command, "require_root_on_linux", lambda: None)
    monkeypatch.setattr(command, "locked", command.nullcontext)
    monkeypatch.setattr(command.build, "is_missing", lambda part, kubernetes: True)
    monkeypatch.setattr(command.later, "Later", lambda say, downloads, command: recorded)

    def make(kubernetes, parts=command.ALL):
        done.append(sorted(parts))
        return type("Supplies", (), {"cpu_seconds": 0.0, "downloads": False})()

    monkeypatch.setattr(command, "_supplies", make)
    monkeypatch.setattr(
        command, "_once", lambda steps, *rest, **options: done.append([step.name for step in steps[:3]])
    )
    return done


def test_a_fresh_machine_plays_the_life_of_a_cluster_in_that_order(fresh: list[Any], recorded: Recorded):
    command.run(
        "life",
        keep=False,
        keep_figures=False,
        times=1,
        busy=False,
        region="eu-west-1",
        kubernetes="1.35.8",
        backend="vxlan",
    )
    assert fresh == [[], ["preview", "first cluster", "Windows pool"]]
    assert recorded.events == ["the build is ended"], "however the rehearsal ends"


@pytest.mark.parametrize("name", ["bad-checksum", "previews", "late-dns", "refresh", "machine-faults"])
def test_a_scenario_without_windows_binaries_does_not_build_them(
    fresh: list[Any], recorded: Recorded, name: str
):
    command.run(
        name,
        keep=False,
        keep_figures=False,
        times=1,
        busy=False,
        region="eu-west-1",
        kubernetes="1.35.8",
        backend="vxlan",
    )
    assert fresh[0] == ["stand-in"]
    assert recorded.events == []


def test_the_scenario_of_own_images_builds_its_registry_and_no_windows_binaries(fresh: list[Any]):
    command.run(
        "own-image",
        keep=False,
        keep_figures=False,
        times=1,
        busy=False,
        region="eu-west-1",
        kubernetes="1.35.8",
        backend="vxlan",
    )
    assert fresh[0] == ["own-image", "stand-in"]


def test_a_cluster_that_is_kept_does_not_wait_for_the_windows_binaries(fresh: list[Any]):
    command.run(
        "life",
        keep=True,
        keep_figures=False,
        times=1,
        busy=False,
        region="eu-west-1",
        kubernetes="1.35.8",
        backend="vxlan",
    )
    assert fresh[0] == ["stand-in"]
