"""rehearsal/scenarios/linux_first.py: on a fresh machine the Linux machines come first, and the Windows
pool by a second `up`.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.config import model as config
from rehearsal.build.errors import SuppliesError
from rehearsal.scenarios import life, linux_first
from rehearsal.scenarios.linux_first import LINUX_ALONE, LinuxFirst


@dataclass
class Recorded:
    """The requests to a session, a build and `pulumi`, in order."""

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
