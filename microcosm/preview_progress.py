"""How far a preview is: Pulumi's parts and the machines' own phases, in place on a terminal, line by line in a log."""

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from . import fleet
from .aws import Session
from .engine_events import component_of
from .errors import OperatorError
from .output import STYLES, duration, note
from .preview_stack import Event, OnEvent

POLL_SECONDS = 3.0
VERBS = {"up": "building", "destroy": "destroying"}
QUIET_OPERATIONS = ("same", "read")
INTERRUPTED = (
    "interrupted: Pulumi finishes what it has begun and keeps its state; press Ctrl-C again to stop it at once "
    "(the next run then repairs what that leaves)"
)


@dataclass(slots=True)
class Part:
    """One part of the stack: Network, Roles, kubernetes, …"""

    begun: float
    waiting: set[str] = field(default_factory=set[str])
    done: int = 0
    told: int = 0
    failed: bool = False
    ended: float = 0.0

    @property
    def state(self) -> str:
        return "failed" if self.failed else "running" if self.waiting else "ready"


@dataclass(slots=True)
class Progress:
    """What is known of a running operation. `tell` gets a line whenever a part or a machine moves on."""

    tell: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    machines: dict[str, str] = field(default_factory=dict[str, str])
    start: float = 0.0

    def __post_init__(self) -> None:
        self.start = self.clock()

    def event(self, event: Event) -> None:
        """An event of the engine; what changes nothing is not shown."""
        name = component_of(event.urn) if event.urn.count("::") >= 3 else None
        if event.kind == "message":
            self._line(f"error: {event.text.splitlines()[0] if event.text else ''}")
        elif name and event.operation not in QUIET_OPERATIONS:
            self._count(name, event)

    def _count(self, name: str, event: Event) -> None:
        now = self.clock()
        if name not in self.parts:
            self.parts[name] = Part(begun=now)
            self._line(f"{name}: begun")
        part = self.parts[name]
        if event.kind == "begins":
            part.waiting.add(event.urn)
            return
        part.waiting.discard(event.urn)
        part.ended = now
        part.done += event.kind == "ends"
        part.failed |= event.kind == "fails"
        if event.kind == "fails":
            self._line(f"{name}: failed at {event.urn.rpartition('::')[2]}")

    def tick(self) -> None:
        """Tell of the parts that have come to rest; said at every resource it would be noise."""
        for name, part in [*self.parts.items()]:
            if not part.waiting and part.done != part.told:
                part.told = part.done
                self._line(f"{name}: {part.done} done")

    def machine(self, node: str, phase: str) -> None:
        """A machine's own report."""
        if self.machines.get(node) != phase:
            self.machines[node] = phase
            self._line(f"{node}: {phase}")

    def _line(self, text: str) -> None:
        self.tell(f"{duration(self.clock() - self.start):>8}  {text}")

    def table(self, heading: str) -> Table:
        """Everything at a glance, for a terminal."""
        table = Table("PART", "STATE", "DONE", "TIME", box=None, pad_edge=False, title=heading, title_justify="left", header_style="bold")
        for name, part in [*self.parts.items()]:
            until = self.clock() if part.waiting else part.ended
            table.add_row(name, Text(part.state, style=STYLES.get(part.state, "")), str(part.done), duration(until - part.begun))
        for node, phase in self.machines.items():
            table.add_row(node, Text(phase, style=STYLES.get(phase.partition(" ")[0], "")), "", "")
        return table


@contextmanager
def watch(operation: str, stack: str, session: Session) -> Generator[OnEvent]:
    """Show an operation on a stack until it has ended, and let Ctrl-C end it in order."""
    console = Console(stderr=True)
    heading = f"{VERBS[operation]} {stack}"
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    progress = Progress(tell=lambda line: None if live else note(f"{stack} {line}"))
    stop = threading.Event()
    poll = threading.Thread(
        target=_follow, args=(progress, stack, session, stop, lambda: live and live.update(progress.table(heading), refresh=True))
    )
    poll.start()
    with _interruptible(stack, operation):
        try:
            if live:
                live.start()
            yield progress.event
        finally:
            stop.set()
            poll.join()
            progress.tick()
            if live:
                live.stop()


def _follow(progress: Progress, stack: str, session: Session, stop: threading.Event, draw: Callable[[], None]) -> None:
    """Reads the machines' reports again and again. They are for the eye: a call that fails must not end what is being done."""
    while not stop.wait(POLL_SECONDS):
        try:
            reports = fleet.reports(session, stack)
        except Exception as problem:  # told, and tried again at the next turn
            progress.machine("machines", f"cannot be asked ({type(problem).__name__})")
            reports = {}
        for node, report in reports.items():
            if report:
                progress.machine(node, report.phase if report.result == "running" else f"{report.result} {report.phase}")
        progress.tick()
        draw()


@contextmanager
def _interruptible(stack: str, operation: str) -> Generator[None]:
    """The terminal's Ctrl-C reaches Pulumi by itself; here it only must not end the one who waits for Pulumi."""
    interrupts: list[int] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        note(INTERRUPTED)

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, on_interrupt) if in_main else None
    try:
        yield
    except OperatorError as problem:
        if not interrupts:
            raise
        pr = stack.removeprefix("pr-")
        again = "run the same command again to go on" if operation == "up" else f"`microcosm preview down --pr {pr}` goes on"
        raise OperatorError(f"{stack} was interrupted: {again}; its machines end themselves in any case") from problem
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
