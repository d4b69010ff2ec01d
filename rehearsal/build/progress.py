"""How the making of supplies is shown: a live line per running step on a terminal, plain dated lines
elsewhere.
"""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Progress(Protocol):
    """Whoever wants to know. Called from several threads."""

    def began(self, step: str) -> None: ...

    def said(self, step: str, line: str) -> None: ...

    def ended(self, step: str, seconds: float, *, ok: bool) -> None: ...

    def note(self, text: str) -> None: ...


class Silent:
    """Tells nobody."""

    def began(self, step: str) -> None:
        pass

    def said(self, step: str, line: str) -> None:
        pass

    def ended(self, step: str, seconds: float, *, ok: bool) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Lines:
    """One line when a step begins and one when it ends: for logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def _line(self, text: str) -> None:
        self._console.print(
            f"{time.strftime('%H:%M:%S')} supplies: {text}", highlight=False, markup=False, soft_wrap=True
        )

    def began(self, step: str) -> None:
        self._line(f"{step} ...")

    def said(self, step: str, line: str) -> None:
        pass

    def ended(self, step: str, seconds: float, *, ok: bool) -> None:
        self._line(f"{step} {'ready' if ok else 'FAILED'} after {seconds:.1f} s")

    def note(self, text: str) -> None:
        self._console.print(
            f"{time.strftime('%H:%M:%S')} {text}", highlight=False, markup=False, soft_wrap=True
        )


class Live:
    """A spinner per running step with the last thing its program said.

    A context manager: it owns the screen's last lines.
    """

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[line]}"),
        )
        self._progress = RichProgress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def began(self, step: str) -> None:
        self._tasks[step] = self._progress.add_task(step, total=None, line="")

    def said(self, step: str, line: str) -> None:
        self._progress.update(self._tasks[step], line=line.replace("[", r"\[")[:100])

    def ended(self, step: str, seconds: float, *, ok: bool) -> None:
        self._progress.remove_task(self._tasks.pop(step))
        self._progress.console.print(
            f"{'[green]ready[/]' if ok else '[red]FAILED[/]'} {step} [dim]{seconds:.1f} s[/]", highlight=False
        )

    def note(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)
