"""Make the rest of the supplies in a process of their own, while the rehearsal already uses the first part.

The process is `python -m rehearsal.build` with a low priority; its output comes line by line, as in a log.
"""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread

from rehearsal.build.errors import SuppliesError
from rehearsal.build.way import BUILD, DOWNLOAD, SETTING

NICE = 10
COMMAND = (sys.executable, "-m", "rehearsal.build")
_TAIL = 15


class Later:
    """A build that goes on beside the rehearsal. End it with `stop`, however the rehearsal ends."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        downloads: bool,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Begin it, in the way in which the first part was had."""
        self._say = say
        self._tail: deque[str] = deque(maxlen=_TAIL)
        # A session of its own: its compilers are ended with it, and Ctrl-C reaches the rehearsal alone.
        self._process = subprocess.Popen(
            ["nice", f"--adjustment={NICE}", *command],
            env={**os.environ, SETTING: DOWNLOAD if downloads else BUILD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._tail.append(line.rstrip())
            self._say(self._tail[-1])

    def wait(self) -> None:
        """Wait for its end. SuppliesError has its last lines when it failed."""
        code = self._process.wait()
        self._reader.join()
        if code:
            last = "\n".join(self._tail)
            raise SuppliesError(f"the build beside the rehearsal failed with exit code {code}:\n{last}")

    def stop(self) -> None:
        """End the build and its compilers, if they still run. The next run begins where this one was."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()
