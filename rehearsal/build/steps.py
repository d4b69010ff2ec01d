"""The order in which supplies are made: steps that need each other, two at a time, each into its own store
entry.
"""

import os
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rehearsal.build.errors import SuppliesError
from rehearsal.build.progress import Progress
from rehearsal.build.store import Store

# The compilers use every core themselves; a second step beside them fills the gaps of downloads and of the
# linker.
WORKERS = 2
_TAIL = 12


class Run(Protocol):
    """Runs a program for a step: its output goes to the step's log, its failure becomes one sentence."""

    def __call__(
        self, command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None: ...

    def say(self, line: str) -> None:
        """Log and show a line of the step's own."""
        ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One supply: where it is kept, what it needs, and how it is made."""

    name: str
    entry: Path
    build: Callable[[Path, Run], None]
    needs: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        return self.entry.exists()


@dataclass
class Runner:
    """Makes what is missing and says how long each step took, and how much processor time its programs
    used.
    """

    store: Store
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    cpu_seconds: dict[str, float] = field(default_factory=dict[str, float])
    programs: set[subprocess.Popen[str]] = field(default_factory=set[subprocess.Popen[str]])

    def make(self, steps: Sequence[Step]) -> None:
        """Build the steps that are not done; after a failure nothing new begins, and the first failure is
        raised.

        Ctrl-C and SIGTERM also end the programs that run: a build takes minutes.
        """
        waiting = {step.name: step for step in steps if not step.done}
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(WORKERS) as pool:
            while waiting or running:
                unfinished = set(waiting) | set(running.values())
                ready = [step for step in waiting.values() if unfinished.isdisjoint(step.needs)]
                for step in ready[: WORKERS - len(running)]:
                    running[pool.submit(self._build, waiting.pop(step.name))] = step.name
                if not running:
                    raise ValueError(f"steps wait for each other: {', '.join(waiting)}")
                try:
                    done = wait(running, return_when=FIRST_COMPLETED).done
                except (KeyboardInterrupt, SystemExit):
                    for program in self.programs.copy():
                        program.terminate()
                    raise
                for finished in done:
                    del running[finished]
                    finished.result()

    def _build(self, step: Step) -> None:
        def fill(run: Run) -> None:
            with self.store.filling(step.entry) as folder:
                step.build(folder, run)

        self.during(step.name, fill)

    def during(self, name: str, work: Callable[[Run], None]) -> None:
        """Do something under a name: its output logged, its progress shown, its seconds kept."""
        began = time.monotonic()
        self.progress.began(name)
        ok = False
        try:
            work(self._run_for(name))
            ok = True
        finally:
            self.seconds[name] = time.monotonic() - began
            self.progress.ended(name, self.seconds[name], ok=ok)

    def _run_for(self, name: str) -> Run:
        log = self.store.home / "logs" / f"{name.replace(' ', '-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
        return _Logged(self, name, log)


@dataclass(frozen=True)
class _Logged:
    """A step's commands and words, in its log and on the screen."""

    runner: Runner
    name: str
    log: Path

    def __call__(
        self, command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        used = run_logged(
            command,
            self.log,
            lambda line: self.runner.progress.said(self.name, line),
            cwd=cwd,
            env=env,
            running=self.runner.programs,
        )
        self.runner.cpu_seconds[self.name] = self.runner.cpu_seconds.get(self.name, 0.0) + used

    def say(self, line: str) -> None:
        with self.log.open("a", encoding="utf-8") as lines:
            print(line, file=lines)
        self.runner.progress.said(self.name, line)


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    said: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    running: set[subprocess.Popen[str]] | None = None,
) -> float:
    """Run a program to its end with all its output in `log`; raise with its last lines when it fails. It is
    in `running` meanwhile.

    Return the processor seconds of the program and of those that it waited for, as a compiler is waited for.
    """
    words = [str(word) for word in command]
    tail: deque[str] = deque(maxlen=_TAIL)
    with log.open("a", encoding="utf-8") as lines, _started(words, cwd, env) as process:
        running = set() if running is None else running
        running.add(process)
        lines.write(f"$ {' '.join(words)}\n")
        assert process.stdout is not None
        for line in process.stdout:
            lines.write(line)
            tail.append(line.rstrip())
            said(tail[-1])
        # Popen.wait() does not tell what the program used.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        running.discard(process)
    if process.returncode:
        last = "\n".join(tail)
        raise SuppliesError(
            f"{Path(words[0]).name} failed with exit code {process.returncode}; the whole output is in "
            f"{log}:\n{last}"
        )
    return usage.ru_utime + usage.ru_stime


def _started(command: list[str], cwd: Path | None, env: Mapping[str, str] | None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
