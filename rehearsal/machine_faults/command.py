"""A `pulumi` command under way, while something is done to its machines."""

import re
import subprocess
import threading
from collections.abc import Callable, Mapping

from rehearsal.checks import CheckFailed
from rehearsal.session import Session
from rehearsal.waiting import poll

# What Pulumi puts in front of a line of the program: the stack, and that it is under way ("creating (5s)" in its first `up`, "running" later).
_UNDER_WAY = re.compile(r"^.*? pulumi:pulumi:Stack \S+ (?:running|creating \(\d+s\)) ")
_SEVERITY = re.compile(r"^\s*(?:error|warning): ")


class Command:
    """Started at once; `wait_for` and `end` look at what it prints."""

    def __init__(self, session: Session, *arguments: str, tell: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
        self.lines: list[str] = []
        # Pulumi says it all once more in the end.
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
            self.lines.append(said(line))
            if _UNDER_WAY.match(line):
                self.progress.append(said(line))
            tell(line.rstrip())

    def wait_for(self, part: str, seconds: float) -> str:
        """The first line that holds `part`; CheckFailed when none comes or the command ends before."""
        poll(lambda: self.first_with(part) or not self._reader.is_alive(), seconds)
        if not (found := self.first_with(part)):
            raise CheckFailed(f"`{self._name}` did not print {part!r} within {seconds:.0f} s:\n{self.text}")
        return found

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def first_with(self, *parts: str) -> str:
        """The first line so far that holds all of the parts, or nothing."""
        return next((line for line in [*self.lines] if all(part in line for part in parts)), "")

    def succeeded(self) -> str:
        """Its output; CheckFailed when it failed."""
        if code := self._ended():
            raise CheckFailed(f"`{self._name}` failed with {code}:\n{self.text}")
        return self.text

    def failed(self, *parts: str) -> str:
        """The line of its complaint that holds all of the parts; CheckFailed when it succeeded, or complains of something else."""
        if not self._ended():
            raise CheckFailed(f"`{self._name}` should have failed, but says:\n{self.text}")
        if not (found := self.first_with(*parts)):
            raise CheckFailed(f"`{self._name}` failed without a line that holds {parts}:\n{self.text}")
        return found

    def _ended(self) -> int:
        self._reader.join()
        return self._process.wait()

    def phases(self, node: str) -> str:
        """The phases of a machine in the order in which the command told them; CheckFailed when it told none."""
        told = [found[1] for line in self.progress if (found := re.match(rf"{node}: ([a-z]+)\b", line))]
        if not told:
            raise CheckFailed(f"`{self._name}` told no phase of {node}:\n{self.text}")
        return f"{node}: {' -> '.join(told)}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def said(line: str) -> str:
    """What the program said in a line of Pulumi's output, without what Pulumi puts around it."""
    return _SEVERITY.sub("", _UNDER_WAY.sub("", line.rstrip())).strip()
