"""Run a `pulumi` command in the background while a fault is injected into its machines."""

import re
import subprocess
import threading
from collections.abc import Callable, Mapping

from rehearsal.scenarios.checks import CheckFailed
from rehearsal.session import Session
from rehearsal.waiting import poll

# Pulumi's prefix of a line of the program: the stack and its state ("creating (5s)" in its first `up`,
# "running" later).
_UNDER_WAY = re.compile(r"^.*? pulumi:pulumi:Stack \S+ (?:running|creating \(\d+s\)) ")
_SEVERITY = re.compile(r"^\s*(?:error|warning): ")


class Command:
    """A command that starts at once; its methods read the lines that it prints."""

    def __init__(
        self,
        session: Session,
        *arguments: str,
        tell: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.lines: list[str] = []
        # Lines of the progress alone: at its end Pulumi prints all lines once more.
        self.progress: list[str] = []
        self._name = " ".join(arguments)
        self._process = subprocess.Popen(
            arguments,
            cwd=session.project,
            env=session.environment | dict(environment or {}),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(tell,), daemon=True)
        self._reader.start()

    def _read(self, tell: Callable[[str], None]) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(program_line(line))
            if _UNDER_WAY.match(line):
                self.progress.append(program_line(line))
            tell(line.rstrip())

    def wait_for(self, part: str, seconds: float) -> str:
        """Return the first line that contains `part`; CheckFailed if none comes or the command ends
        before.
        """
        poll(lambda: self.first_with(part) or not self._reader.is_alive(), seconds)
        if not (found := self.first_with(part)):
            raise CheckFailed(f"`{self._name}` did not print {part!r} within {seconds:.0f} s:\n{self.text}")
        return found

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def first_with(self, *parts: str) -> str:
        """Return the first line so far that contains all parts, or an empty text."""
        return next((line for line in [*self.lines] if all(part in line for part in parts)), "")

    def succeeded(self) -> str:
        """Return the output of the command; CheckFailed if it failed."""
        if code := self._ended():
            raise CheckFailed(f"`{self._name}` failed with {code}:\n{self.text}")
        return self.text

    def failed(self, *parts: str) -> str:
        """Return the line that contains all parts; CheckFailed if the command succeeded or no line does."""
        if not self._ended():
            raise CheckFailed(f"`{self._name}` should have failed, but succeeded:\n{self.text}")
        if not (found := self.first_with(*parts)):
            raise CheckFailed(f"`{self._name}` failed without a line that contains {parts}:\n{self.text}")
        return found

    def _ended(self) -> int:
        self._reader.join()
        return self._process.wait()

    def phases(self, node: str) -> str:
        """Return a machine's phases in the order in which the command printed them; CheckFailed
        without any.
        """
        printed = [found[1] for line in self.progress if (found := re.match(rf"{node}: ([a-z]+)\b", line))]
        if not printed:
            raise CheckFailed(f"`{self._name}` printed no phase of {node}:\n{self.text}")
        return f"{node}: {' -> '.join(printed)}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def program_line(line: str) -> str:
    """Return a line without Pulumi's prefix and severity."""
    return _SEVERITY.sub("", _UNDER_WAY.sub("", line.rstrip())).strip()
