"""Run, watch and end Windows programs in a Wine prefix and a network. It is Wine, not Windows."""

import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from rehearsal.build import wine_prefix
from rehearsal.build.store import remove_tree
from rehearsal.waiting import poll
from rehearsal.wine import flags
from rehearsal.wine.errors import WineError

PROGRAMS = r"C:\k"
_POLL_SECONDS = 0.1
_TAIL, _WIDTH = 15, 400


class Process:
    """A running Windows program and its output."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name, self.log, self._process = name, log, process

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait_for(self, pattern: str, seconds: float) -> str:
        """Return the first line of its output that matches; WineError has its last lines if it ends or the
        time passes.
        """

        def line() -> str:
            match = re.search(f"^.*(?:{pattern}).*$", self.output, re.MULTILINE)
            return match[0].strip() if match else ""

        poll(lambda: line() or self.exit_code is not None, seconds, _POLL_SECONDS)
        if found := line():
            return found
        what = (
            f"has run for {seconds:.0f} s"
            if self.exit_code is None
            else f"ended with exit code {self.exit_code}"
        )
        raise self._failure(f"{what} without printing /{pattern}/")

    def wait(self, seconds: float) -> int:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"has not ended after {seconds:.0f} s") from None

    def expect_success(self, seconds: float) -> str:
        """Wait for its end and return its output; WineError for an exit code other than 0."""
        if code := self.wait(seconds):
            raise self._failure(f"ended with exit code {code}")
        return self.output

    def end(self) -> None:
        if self.exit_code is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _failure(self, what: str) -> WineError:
        """Describe the failure. A refused command line comes first, because usage texts are long."""
        if refused := flags.refusal(self.output):
            return WineError(f"{self.name} refuses its command line: {refused}")
        lines = [line[:_WIDTH] for line in self.output.splitlines() if line.strip()]
        said = "\n".join(f"  {line}" for line in lines[-_TAIL:]) or "  (nothing)"
        return WineError(f"{self.name} {what}; its log {self.log} ends:\n{said}")


@dataclass(frozen=True, kw_only=True, slots=True)
class WineHost:
    """A C: drive with a registry, and the network namespace of its programs; without one they have no
    network.
    """

    folder: Path
    logs: Path
    namespace: str = ""

    @property
    def prefix(self) -> Path:
        return self.folder / "prefix"

    @property
    def entering(self) -> tuple[str, ...]:
        """Return the command that enters this network."""
        return ("ip", "netns", "exec", self.namespace) if self.namespace else ("unshare", "--net")

    def set_up(self, prefix: Path, programs: Path) -> None:
        """Create a new drive with the programs where worker.ps1 has them."""
        remove_tree(self.folder)
        remove_tree(self.logs)
        self.logs.mkdir(parents=True)
        wine_prefix.copy(prefix, self.prefix)
        self.path(PROGRAMS).mkdir(parents=True)
        for program in programs.iterdir():
            # A program derives its drive from its own path, which must therefore be on C:.
            (self.path(PROGRAMS) / program.name).symlink_to(program)

    def path(self, windows_path: str) -> Path:
        """Return the path on the host of a file on drive C:."""
        parts = PureWindowsPath(windows_path).parts
        if parts[0].lower() not in ("c:\\", "\\"):
            raise WineError(f"{windows_path} is not on drive C:, the only one")
        return self.prefix.joinpath(wine_prefix.DRIVE, *parts[1:])

    def write(self, windows_path: str, text: str) -> None:
        path = self.path(windows_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, windows_path: str) -> str:
        path = self.path(windows_path)
        if not path.is_file():
            raise WineError(f"{windows_path} is not there")
        return path.read_text()

    def start(
        self, program: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Process:
        r"""Start C:\k\<program> with its own log. It ends with the calling thread."""
        log = self.logs / f"{program}.{len(list(self.logs.glob(f'{program}.*')))}.log"
        command = (
            "setpriv",
            "--pdeathsig",
            "KILL",
            *self.entering,
            "wine",
            rf"{PROGRAMS}\{program}",
            *arguments,
        )
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.path("C:\\"),
                env={**wine_prefix.environment(self.prefix), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return Process(program, process, log)

    def run(self, program: str, arguments: Sequence[str], seconds: float) -> str:
        """Run a program to its end and return its output; WineError for an exit code other than 0."""
        return self.start(program, arguments).expect_success(seconds)

    def shut_down(self) -> None:
        """End all processes of this prefix, also Wine's services, which hold the network namespace."""
        subprocess.run(
            ["wineserver", "--kill"],
            env=wine_prefix.environment(self.prefix),
            capture_output=True,
            check=False,
        )
