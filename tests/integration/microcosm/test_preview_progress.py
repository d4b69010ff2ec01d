"""How far a preview is, as lines and as a table, and what Ctrl-C does."""

import os
import signal
from itertools import count

import pytest
from rich.console import Console

from microcosm.errors import OperatorError
from microcosm.preview import progress as preview_progress
from microcosm.preview.progress import Progress
from microcosm.preview.stack import Event

from .conftest import Cloud

ROOT = "urn:pulumi:pr-7::microcosm::microcosm:infra:Cluster$microcosm:infra:"


def event(kind: str, component: str, name: str, operation: str = "create") -> Event:
    return Event(kind=kind, urn=f"{ROOT}{component}$aws:ec2/vpc:Vpc::{name}", operation=operation)


@pytest.fixture
def logged() -> list[str]:
    return []


@pytest.fixture
def progress(logged: list[str]) -> Progress:
    """Each look at the clock is a second later."""
    seconds = count()
    return Progress(log=logged.append, clock=lambda: float(next(seconds)))


def words(logged: list[str]) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in logged]


def test_a_part_is_told_when_it_begins_and_when_it_rests(progress: Progress, logged: list[str]) -> None:
    progress.event(event("begins", "Network", "a"))
    progress.event(event("begins", "Network", "b"))
    progress.event(event("ends", "Network", "a"))
    progress.log_progress()
    assert words(logged) == ["Network: started"], "it still works on b"
    progress.event(event("ends", "Network", "b"))
    progress.log_progress()
    progress.log_progress()
    assert words(logged) == ["Network: started", "Network: 2 done"]


def test_a_failure_is_told_at_once_with_its_resource(progress: Progress, logged: list[str]) -> None:
    progress.event(event("begins", "Network", "pr-7-vpc"))
    progress.event(event("fails", "Network", "pr-7-vpc"))
    progress.event(Event(kind="message", urn=ROOT, text="limit exceeded\nmore"))
    assert words(logged) == ["Network: started", "Network: failed at pr-7-vpc", "error: limit exceeded"]


def test_what_changes_nothing_is_not_told(progress: Progress, logged: list[str]) -> None:
    progress.event(event("begins", "Network", "a", "same"))
    progress.event(Event(kind="begins", urn="", operation="create"))
    progress.log_progress()
    assert logged == []


def test_a_machine_is_told_when_its_phase_changes(progress: Progress, logged: list[str]) -> None:
    for phase in ("download", "download", "ok ready"):
        progress.machine("linux-0", phase)
    assert words(logged) == ["linux-0: download", "linux-0: ok ready"]


def test_a_terminal_sees_parts_and_machines_in_one_table(progress: Progress) -> None:
    progress.event(event("begins", "Network", "a"))
    progress.machine("linux-0", "download")
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(progress.table("building pr-7"))
    text = console.export_text()
    console.file.close()
    assert "building pr-7" in text
    assert "Network" in text
    assert "linux-0" in text


def test_ctrl_c_waits_for_pulumi_and_says_how_to_go_on(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pulumi has it from the terminal too, and its own complaint would say less."""
    before = signal.getsignal(signal.SIGINT)

    def interrupted() -> None:
        with preview_progress.watch("up", "pr-7", cloud.session):
            os.kill(os.getpid(), signal.SIGINT)
            raise OperatorError("update cancelled")

    with pytest.raises(OperatorError, match="pr-7 was interrupted: run the same command to continue"):
        interrupted()
    assert "Pulumi finishes its running operations" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
