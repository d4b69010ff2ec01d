"""Measure the aws provider of a rehearsal, a stand-in on the official bridge: the seconds of its start,
its memory.
"""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from .document import table
from .samples import BenchError, Sample

NAME = "pulumi-resource-aws"
# No engine listens there: a provider connects to its engine with the first call.
NO_ENGINE = "127.0.0.1:1"
_POLL_SECONDS = 0.1
_SECONDS = 60.0


def start(program: Path) -> Sample:
    """Start the provider; the sample ends when the process prints its port."""
    began = time.perf_counter()
    with subprocess.Popen(
        [program, NO_ENGINE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout
            port = process.stdout.readline().strip()
            wall = time.perf_counter() - began
            if not port.isdecimal():
                raise BenchError(f"{program} says {port!r} instead of a port")
            return Sample(wall=wall, cpu=0.0, peak=_peak(process.pid))
        finally:
            process.kill()


@contextmanager
def watched(pulumi_home: str) -> Generator[Callable[[], float]]:
    """Watch the providers of one PULUMI_HOME during the block; the function returns the most memory of
    one, in MiB.
    """
    peaks, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(_POLL_SECONDS):
            peaks.extend(map(_peak, _running(pulumi_home)))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield lambda: max(peaks)
    finally:
        stop.set()
        watcher.join(_SECONDS)


def report(starts: list[Sample], up_peak: float) -> str:
    """Return the figures as Markdown."""
    rows = [
        [
            f"{min(each.wall for each in starts):.2f}",
            f"{min(each.peak for each in starts):.0f}",
            f"{up_peak:.0f}",
        ]
    ]
    return table(["the aws provider starts in s, least", "MiB then", "most MiB in an `up`"], rows)


def _running(pulumi_home: str) -> list[int]:
    named = [process for process in psutil.process_iter(["name"]) if process.info["name"] == NAME]
    return [process.pid for process in named if _home(process) == pulumi_home]


def _home(process: psutil.Process) -> str:
    try:
        return process.environ().get("PULUMI_HOME", "")
    except psutil.Error:
        return ""


def _peak(pid: int) -> float:
    """Return the most memory that a process had, in MiB; 0 after its end."""
    try:
        match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(match[1]) / 1024 if match else 0.0
