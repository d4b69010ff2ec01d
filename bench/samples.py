"""Measure one run of a command: wall time, the CPU time of all its processes, and its output."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

COMPLAINT_LINES = 30


class BenchError(Exception):
    """A measurement cannot continue; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Seconds of one run. CPU time counts every process that the command waited for."""

    wall: float
    cpu: float
    output: str = ""
    # The peak memory in MiB, if the command reports it.
    peak: float = 0.0


def measure(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Sample:
    """Run a command to its end; BenchError shows its last lines if it fails."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaints:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaints,
        )
        # Only wait4 reports the CPU time of this child and its own children.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complained = (_text(file) for file in (output, complaints))
    if process.returncode:
        last = "\n".join((said + complained).splitlines()[-COMPLAINT_LINES:])
        raise BenchError(f"`{' '.join(command)}` failed with {process.returncode}:\n{last}")
    return Sample(wall=wall, cpu=usage.ru_utime + usage.ru_stime, output=said)


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
