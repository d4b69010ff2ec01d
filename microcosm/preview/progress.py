"""Show the progress of a preview:

Pulumi's components and the machines' phases, as a table or as log lines.
"""

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

from ..aws import machines as fleet
from ..aws.session import Session
from ..errors import OperatorError
from ..output import STYLES, duration, note
from ..pulumi_cli.events import component_of
from .stack import Event, OnEvent

POLL_SECONDS = 3.0
VERBS = {"up": "building", "destroy": "destroying"}
QUIET_OPERATIONS = ("same", "read")
INTERRUPTED = (
    "interrupted: Pulumi finishes its running operations and keeps its state; press Ctrl-C again to stop it "
    "at once "
    "(the next run then repairs the state)"
)


@dataclass(slots=True)
class ComponentProgress:
    """Progress of one component of the stack: Network, Roles, kubernetes, ..."""

    begun: float
    waiting: set[str] = field(default_factory=set[str])
    done: int = 0
    logged: int = 0
    failed: bool = False
    ended: float = 0.0

    @property
    def state(self) -> str:
        return "failed" if self.failed else "running" if self.waiting else "ready"


@dataclass(slots=True)
class Progress:
    """Progress of an operation; `log` receives a line for each change of a component or machine."""

    log: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    components: dict[str, ComponentProgress] = field(default_factory=dict[str, ComponentProgress])
    machines: dict[str, str] = field(default_factory=dict[str, str])
    start: float = 0.0

    def __post_init__(self) -> None:
        self.start = self.clock()

    def event(self, event: Event) -> None:
        """Process an event of the engine; unchanged resources are not shown."""
        name = component_of(event.urn) if event.urn.count("::") >= 3 else None
        if event.kind == "message":
            self._line(f"error: {event.text.splitlines()[0] if event.text else ''}")
        elif name and event.operation not in QUIET_OPERATIONS:
            self._count(name, event)

    def _count(self, name: str, event: Event) -> None:
        now = self.clock()
        if name not in self.components:
            self.components[name] = ComponentProgress(begun=now)
            self._line(f"{name}: started")
        component = self.components[name]
        if event.kind == "begins":
            component.waiting.add(event.urn)
            return
        component.waiting.discard(event.urn)
        component.ended = now
        component.done += event.kind == "ends"
        component.failed |= event.kind == "fails"
        if event.kind == "fails":
            self._line(f"{name}: failed at {event.urn.rpartition('::')[2]}")

    def log_progress(self) -> None:
        """Log components whose operations have all ended; a line per resource would be noise."""
        for name, component in [*self.components.items()]:
            if not component.waiting and component.done != component.logged:
                component.logged = component.done
                self._line(f"{name}: {component.done} done")

    def machine(self, node: str, phase: str) -> None:
        """Process a machine's report."""
        if self.machines.get(node) != phase:
            self.machines[node] = phase
            self._line(f"{node}: {phase}")

    def _line(self, text: str) -> None:
        self.log(f"{duration(self.clock() - self.start):>8}  {text}")

    def table(self, heading: str) -> Table:
        """Return the progress as a table for a terminal."""
        table = Table(
            "PART",
            "STATE",
            "DONE",
            "TIME",
            box=None,
            pad_edge=False,
            title=heading,
            title_justify="left",
            header_style="bold",
        )
        for name, component in [*self.components.items()]:
            until = self.clock() if component.waiting else component.ended
            table.add_row(
                name,
                Text(component.state, style=STYLES.get(component.state, "")),
                str(component.done),
                duration(until - component.begun),
            )
        for node, phase in self.machines.items():
            table.add_row(node, Text(phase, style=STYLES.get(phase.partition(" ")[0], "")), "", "")
        return table


@contextmanager
def watch(operation: str, stack: str, session: Session) -> Generator[OnEvent]:
    """Show an operation on a stack until it ends, and let Ctrl-C end it in order."""
    console = Console(stderr=True)
    heading = f"{VERBS[operation]} {stack}"
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    progress = Progress(log=lambda line: None if live else note(f"{stack} {line}"))
    stop = threading.Event()

    def draw() -> None:
        if live:
            live.update(progress.table(heading), refresh=True)

    poll = threading.Thread(target=_follow, args=(progress, stack, session, stop, draw))
    poll.start()
    with _interruptible(stack, operation):
        try:
            if live:
                live.start()
            yield progress.event
        finally:
            stop.set()
            poll.join()
            progress.log_progress()
            if live:
                live.stop()


def _follow(
    progress: Progress, stack: str, session: Session, stop: threading.Event, draw: Callable[[], None]
) -> None:
    """Poll the machines' reports. They are for display only, so a failed call does not end the operation."""
    while not stop.wait(POLL_SECONDS):
        try:
            reports = fleet.reports(session, stack)
        except Exception as problem:  # log it and poll again
            progress.machine("machines", f"unknown ({type(problem).__name__})")
            reports = {}
        for node, report in reports.items():
            if report:
                progress.machine(
                    node, report.phase if report.result == "running" else f"{report.result} {report.phase}"
                )
        progress.log_progress()
        draw()


@contextmanager
def _interruptible(stack: str, operation: str) -> Generator[None]:
    """Keep this process alive on Ctrl-C.

    The terminal sends SIGINT to Pulumi too, which then ends in order.
    """
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
        command = "the same command" if operation == "up" else f"`microcosm preview down --pr {pr}`"
        raise OperatorError(
            f"{stack} was interrupted: run {command} to continue; its machines end at its expiry in any case"
        ) from problem
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
