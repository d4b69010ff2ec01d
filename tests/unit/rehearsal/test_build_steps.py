"""rehearsal/build/steps.py: what is missing is made in order, and a failure says what to look at."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.build.errors import SuppliesError
from rehearsal.build.progress import Silent
from rehearsal.build.steps import Run, Runner, Step
from rehearsal.build.store import Store


class Recorder(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def began(self, step: str) -> None:
        self.events.append(("began", step))

    def said(self, step: str, line: str) -> None:
        self.events.append(("said", line))

    def ended(self, step: str, seconds: float, *, ok: bool) -> None:
        self.events.append(("ready" if ok else "failed", step))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def step(
    store: Store, name: str, *needs: str, build: Callable[[Path, Run], None] = lambda folder, run: None
) -> Step:
    return Step(name=name, entry=store.entry(name, "key"), build=build, needs=needs)


def test_a_step_begins_when_all_that_it_needs_is_done(store: Store):
    progress = Recorder()
    steps = [step(store, "images", "tool", "parts"), step(store, "tool"), step(store, "parts")]
    Runner(store, progress).make(steps)
    assert progress.events.index(("began", "images")) > progress.events.index(("ready", "tool"))
    assert progress.events.index(("began", "images")) > progress.events.index(("ready", "parts"))


def test_after_a_failure_the_next_run_makes_only_what_is_missing(store: Store):
    made: list[str] = []

    def fails_once(folder: Path, run: Run) -> None:
        made.append("images")
        if made.count("images") == 1:
            raise SuppliesError("no disk")

    steps = [
        step(store, "tool", build=lambda folder, run: made.append("tool")),
        step(store, "images", "tool", build=fails_once),
    ]
    with pytest.raises(SuppliesError, match="no disk"):
        Runner(store, Silent()).make(steps)
    Runner(store, Silent()).make(steps)
    assert made == ["tool", "images", "images"]


def test_nothing_that_needs_a_failed_step_begins(store: Store):
    progress = Recorder()

    def fails(folder: Path, run: Run) -> None:
        raise SuppliesError("no")

    with pytest.raises(SuppliesError):
        Runner(store, progress).make([step(store, "tool", build=fails), step(store, "images", "tool")])
    assert progress.events == [("began", "tool"), ("failed", "tool")]


def test_steps_that_wait_for_each_other_are_named(store: Store):
    with pytest.raises(ValueError, match="one, two"):
        Runner(store, Silent()).make([step(store, "one", "two"), step(store, "two", "one")])


def test_a_failed_program_is_reported_with_its_last_lines_and_its_log(store: Store):
    tool = step(store, "tool", build=lambda folder, run: run(["sh", "-c", "echo undefined: x; exit 3"]))
    with pytest.raises(SuppliesError) as failure:
        Runner(store, Silent()).make([tool])
    message = str(failure.value)
    assert "sh failed with exit code 3" in message
    assert "undefined: x" in message
    assert str(store.home / "logs" / "tool.log") in message


def test_an_interrupt_ends_the_programs_that_are_building(store: Store):
    def sleep(folder: Path, run: Run) -> None:
        run([sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(60)"])

    class Interrupting(Recorder):
        def said(self, step: str, line: str) -> None:
            if line == "begun":
                os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    # A shell starts what it puts into the background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Runner(store, Interrupting()).make([step(store, "tool", build=sleep)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 30, "it did not wait for the build's end"
    assert not store.entry("tool", "key").exists()
