"""Many series: some worlds side by side, one series after the other in each."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rehearsal import processes
from rehearsal.scenarios.aws_faults.drive import BrokenOff, Driver
from rehearsal.scenarios.aws_faults.play import Result, play
from rehearsal.scenarios.aws_faults.series import Series
from rehearsal.simulated import World, simulated_world

LOG_CHARACTERS = 20_000
Lane = queue.SimpleQueue[Series]


@dataclass
class Sweep:
    """`tell` hears how far a series is, `done` its result and its log; without a result it was not played
    to its end.
    """

    folder: Path
    programs: Path
    tell: Callable[[str, str], None]
    done: Callable[[Series, Result | None, str], None]
    _stop: threading.Event = field(default_factory=threading.Event)
    _worlds: list[World] = field(default_factory=list[World])

    def play(self, todo: Sequence[Series], at_once: int) -> None:
        """Ctrl-C ends what runs, and is raised once all is put away.

        Series that mostly wait have worlds of their own, beside those that work.
        """
        lanes = [
            lane
            for waits in (False, True)
            for lane in _lanes([each for each in todo if each.mostly_waits is waits], at_once)
        ]
        with ThreadPoolExecutor(max(len(lanes), 1)) as pool:
            workers = [pool.submit(self._work, number, waiting) for number, waiting in enumerate(lanes)]
            try:
                for worker in workers:
                    worker.result()
            except BaseException:
                self._stop.set()
                for world in self._worlds:
                    processes.end_of(f"PULUMI_HOME={world.stack.environment['PULUMI_HOME']}")
                raise

    def _work(self, number: int, waiting: Lane) -> None:
        folder = self.folder / str(number)
        folder.mkdir()
        with simulated_world(folder, self.programs) as world:
            self._worlds.append(world)
            while not self._stop.is_set() and not waiting.empty():
                try:
                    self._one(waiting.get_nowait(), world)
                except (queue.Empty, BrokenOff):
                    return

    def _one(self, each: Series, world: World) -> None:
        began, driver, result = time.monotonic(), Driver(world, stop=self._stop), None
        try:
            result = play(driver, each, lambda text: self.tell(each.name, text))
            result.seconds = round(time.monotonic() - began, 1)
            result.played = f"{datetime.now(UTC):%Y-%m-%d}"
        finally:
            # Empty unless moto itself broke.
            cloud = (world.stack.folder.parent / "cloud" / "cloud.log").read_text()[-LOG_CHARACTERS:]
            self.done(each, result, "\n".join([*driver.log, "", "the fake cloud:", cloud]))


def _lanes(todo: Sequence[Series], at_once: int) -> list[Lane]:
    """One queue for all, as often as worlds may work on it."""
    waiting: Lane = queue.SimpleQueue()
    for each in todo:
        waiting.put(each)
    return [waiting] * min(at_once, len(todo))
