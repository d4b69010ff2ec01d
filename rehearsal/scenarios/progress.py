"""The progress of a rehearsal for a person: each step, what it took, and what a cluster that stays up is good
for.
"""

from rich.console import Console
from rich.status import Status
from rich.table import Table

from ..session import Session
from . import figures
from .life import Run, Step

console = Console(highlight=False)


def announce(step: Step, status: Status) -> None:
    console.print(f"[bold]{step.name}[/bold] [dim]{step.does} ...[/dim]")
    status.update(f"[dim]{step.does}[/dim]")


def conclude(step: Step, seconds: float, text: str) -> None:
    console.print(f"  [green]ok[/green] {seconds:6.1f} s  ", end="")
    console.print(text, markup=False, soft_wrap=True)


def table(current: Run, total: float) -> None:
    rows = Table("step", "seconds", title="Rehearsal", title_justify="left")
    for name, seconds in current.seconds.items():
        rows.add_row(name, f"{seconds:.1f}")
    rows.add_section()
    rows.add_row("all", f"{total:.1f}")
    if current.ready_seconds:
        rows.add_row("of which up until all nodes Ready", f"{current.ready_seconds:.0f}")
        rows.add_row("of which the command `pulumi up`", f"{current.up_seconds:.0f}")
    console.print(rows)
    console.print(f"on {figures.machine()}")


def explain_kept(session: Session) -> None:
    page = session.output("pulumi", "stack", "output", "pageUrl").strip()
    console.print(
        f"\nThe cluster is up.\n  kubeconfig  {session.kubeconfig}\n  page        {page}\n  shell       "
        f"make shell\n  end         make clean"
    )
