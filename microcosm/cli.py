"""The command line: reads options, calls one function, prints what it returns. Nothing is decided here.

Exit codes: 0 done and good, 1 done and not good (or not done), 2 asked wrongly.
"""

import os
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import options
from . import repair as repair_command
from .access import command as access_command
from .audit import command as audit_command
from .audit import report as audit_report
from .audit import search as auditing
from .doctor import command as doctor_command
from .errors import OperatorError, UsageError
from .explain import explain
from .image import command as image_command
from .kubeconfig import command as kubeconfig_command
from .lint import command as lint
from .logs import command as logs_command
from .output import note, print_json
from .preview import command as preview_cli
from .pulumi_cli.events import read as read_events
from .pulumi_cli.target import resolve
from .timeline import screen as timeline_screen
from .timeline import text as timeline_text
from .timeline import watch as timeline_watch

app = typer.Typer(
    name="microcosm",
    help="Look after a stack of Microcosm: where it is stuck, whether traffic flows, how to get in, whether "
    "anything is left.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DEFECT = "this is a defect of microcosm ({problem}); MICROCOSM_DEBUG=1 shows where, please report it"
app.command("doctor")(doctor_command.command)
app.command("shell")(access_command.shell)
app.command("rdp")(access_command.rdp)
app.command("logs")(logs_command.command)
app.command("lint")(lint.command)
app.command("repair")(repair_command.command)
app.add_typer(preview_cli.app, name="preview")
app.add_typer(image_command.app, name="image")


def _exit(ok: bool) -> typer.Exit:
    return typer.Exit(0 if ok else OperatorError.exit_code)


@app.command()
def timeline(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow until every machine is ready or one has failed.")
    ] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long --wait waits at most.")
    ] = 2700,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with a Gantt chart.")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What `pulumi up --yes --json` printed: adds Pulumi's own times."),
    ] = None,
) -> None:
    """Show where the time went, or where it is stuck: machine by machine, phase by phase.

    Exit code 1 when a machine has failed; with --wait also when not every machine became ready.

    Example: `microcosm timeline --stack dev --wait --html timeline.html`
    """
    target, session = options.connect(stack, region)
    declared = read_events(events) if events else ()
    looks = timeline_watch.follow(lambda: timeline_watch.poll(session, target, declared), timeout)
    last = timeline_screen.draw(looks if wait else islice(looks, 1), Console(), html, quiet=json)
    if json:
        print_json(timeline_text.document(last))
    if not last.nodes:
        raise OperatorError(
            f"stack {target.stack} has no machines in {target.region}: is it up, and is this the right "
            f"region and account?"
        )
    raise _exit(last.ready if wait else not last.failed)


@app.command()
def smoke(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    kubeconfig: options.Kubeconfig = None,
    page_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the page is; by default the API server's host and the NodePort."
        ),
    ] = None,
) -> None:
    """Send traffic along every path between Linux, Windows and the outside, and name the hop that is broken.

    Four paths between pods, DNS, the page from outside, the page to CCAuth, and CCAuth's own rules.

    Example: `microcosm smoke --stack dev`
    """
    # The Kubernetes client takes longer to import than the other commands take to run.
    from .smoke import command as smoke_command
    from .smoke import report as smoke_report

    result = smoke_command.run(stack, region, kubeconfig, page_url)
    if json:
        print_json(smoke_report.document(result))
    else:
        smoke_report.show(result)
    raise _exit(result.ok)


@app.command()
def audit(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    vpc: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A VPC that was the stack's; may be given again.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What `pulumi stack export` printed while the stack lived."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The record of ids; by default in ~/.local/state/microcosm."),
    ] = None,
    remember: Annotated[
        bool, typer.Option("--remember", help="Only write down what the stack has now; exit 0.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete what carries the stack's tag, after showing it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Say what is left of a stack and what it costs a month, or print a receipt that nothing is.

    Looks by tag, by VPC, by parameter path, and by the ids that earlier audits of the living stack have
    recorded: run it once with --remember before `pulumi destroy`. A check that could not look fails the
    audit.

    Example: `microcosm audit --stack dev`
    """
    _refuse_to_delete_unasked(delete, remember, yes or (sys.stdin.isatty() and not json))
    target, session = options.connect(stack, region)
    memory = audit_command.remembered(target, record, state)
    scope = memory.scope(target, vpc or ())
    result = auditing.audit(session, scope, time.time())
    if delete and audit_command.purge(session, result, lambda question: yes or typer.confirm(question)):
        result = auditing.audit(session, scope, time.time())
    memory.keep(result)
    if json:
        print_json(audit_report.document(result))
    elif remember:
        note(f"{audit_report.summary(result).replace(' left', '')} remembered in {memory.path}")
    else:
        audit_report.show(result)
    raise _exit(result.clean or (remember and result.complete))


def _refuse_to_delete_unasked(delete: bool, remember: bool, can_ask: bool) -> None:
    if delete and remember:
        raise UsageError("--remember and --delete contradict each other: give one of them")
    if delete and not can_ask:
        raise UsageError("--delete has nobody to ask here: add --yes, or run it at a terminal without --json")


@app.command()
def kubeconfig(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Put the cluster into the user's kubeconfig as context `microcosm-<stack>`."
        ),
    ] = False,
    use: Annotated[bool, typer.Option("--use", help="With --merge: make it the current context.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take exactly that out of the user's kubeconfig again.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file; by default `~/.kube/microcosm-<stack>.yaml`, or the user's own.",
        ),
    ] = None,
) -> None:
    """Write the cluster's kubeconfig to a file of its own (mode 0600), or into ~/.kube/config and out of it
    again.

    The kubeconfig is believed only if the stack's living control plane has published it. `--output -` prints
    it.

    Example: `microcosm kubeconfig --stack dev --merge --use`
    """
    if (merge and remove) or (use and not merge):
        raise UsageError("--merge and --remove exclude each other, and --use goes with --merge only")
    if remove:
        done = kubeconfig_command.remove(resolve(stack, region), output)
    else:
        target, session = options.connect(stack, region)
        done = (
            kubeconfig_command.merge(session, target, output, use)
            if merge
            else kubeconfig_command.write(session, target, output)
        )
    if json and str(output) != "-":
        print_json(done)


def main() -> None:
    """The console script."""
    try:
        app()
    except Exception as problem:  # the one place that must not let a traceback through
        if os.environ.get("MICROCOSM_DEBUG"):
            raise
        told = explain(problem) or OperatorError(
            DEFECT.format(problem=f"{type(problem).__name__}: {problem}")
        )
        print(f"microcosm: {told}", file=sys.stderr)
        sys.exit(told.exit_code)
