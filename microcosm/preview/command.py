"""`microcosm preview ...`: read options, call one function, print its result."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import OperatorError, UsageError
from ..options import Json
from ..output import note, print_json, print_table
from ..pulumi_cli.target import PROJECT_FILE, project_directory
from . import down as preview_down
from . import list as preview_list
from . import model as preview
from . import open_prs as open_pull_requests
from . import pipeline_command, progress
from . import recover as preview_recover
from . import report as preview_report
from . import up as preview_up
from .context import Context, default_context

app = typer.Typer(
    help="Create, list, extend and destroy clusters for pull requests.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
Pr = Annotated[
    str, typer.Option("--pr", metavar="NUMBER", help="The pull request; its stack is `pr-NUMBER`.")
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region", metavar="NAME", help="The AWS region; by default the preview's own, else AWS_REGION."
    ),
]
Now = Annotated[
    str | None, typer.Option("--now", hidden=True, metavar="TIME", help="Use this time as the present.")
]
BreakLock = Annotated[
    bool, typer.Option("--break-lock", help="Break the stack's lock, because its owner is dead.")
]


def _context(now: str | None) -> Context:
    # Pulumi's SDK takes longer to import than the other commands need to run.
    from ..pulumi_cli.stacks import PulumiStacks

    project = project_directory(Path.cwd())
    if project is None:
        raise UsageError(
            f"there is no {PROJECT_FILE} in {Path.cwd()} or above it: run this in a checkout of the project"
        )
    return default_context(
        PulumiStacks(project), preview.parse_moment(now, "--now") if now else None, progress.watch
    )


@app.command()
def up(
    pr: Pr,
    ttl: Annotated[
        str | None, typer.Option(metavar="TIME", help="Lifetime from now, 30m to 72h; 8h for a new preview.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a key of Pulumi.yaml; repeatable."),
    ] = None,
    admit: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Admit this range besides your address; repeatable."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="The owner; by default GITHUB_ACTOR, else you.")
    ] = None,
    region: Region = None,
    break_lock: BreakLock = False,
    reap_myself: Annotated[
        bool, typer.Option("--reap-myself", help="Accept a backend that a remote reaper cannot read.")
    ] = False,
    json: Json = False,
    now: Now = None,
) -> None:
    """Create the preview of a pull request, update it, or continue an interrupted run.

    An extended expiry is kept; `--ttl` sets another one, counted from now. Settings stay unless `--set`
    changes them.

    Example: `microcosm preview up --pr 123 --ttl 4h --set kubernetesVersion=1.35.8`
    """
    request = preview_up.UpRequest(
        pr=preview.parse_pr(pr),
        region=region,
        ttl=preview.parse_ttl(ttl) if ttl else None,
        owner=owner,
        settings=preview.parse_settings(settings or []),
        admit=tuple(admit or ()),
        break_lock=break_lock,
        reap_myself=reap_myself,
    )
    context = _context(now)
    result = preview_up.up(context, request)
    if json:
        print_json(preview_report.document(result))
    else:
        preview_report.show(result, context.now())


@app.command("list")
def list_previews(json: Json = False, now: Now = None) -> None:
    """List the previews of the backend: owner, age, expiry, health, and their costs so far.

    Example: `microcosm preview list`
    """
    rows = preview_list.rows(_context(now))
    if json:
        print_json([row.document for row in rows])
    elif rows:
        print_table(preview_list.COLUMNS, [row.cells for row in rows])
    else:
        note("there are no previews")


@app.command()
def extend(
    pr: Pr,
    by: Annotated[str, typer.Option(metavar="TIME", help="Duration to add to the present expiry.")],
    json: Json = False,
    now: Now = None,
) -> None:
    """Extend a preview's lifetime, to at most 72h from now. Its machines and the reaper use the new expiry.

    Example: `microcosm preview extend --pr 123 --by 4h`
    """
    longer = preview_up.extend(_context(now), preview.parse_pr(pr), preview.parse_ttl(by, "--by"))
    assert longer.expires is not None
    expires = preview.rfc3339(longer.expires)
    if json:
        print_json({"stack": longer.stack, "expires": expires})
    else:
        note(f"{longer.stack} ends at {expires}")


@app.command()
def down(
    pr: Pr,
    region: Region = None,
    break_lock: BreakLock = False,
    if_exists: Annotated[
        bool, typer.Option("--if-exists", help="Succeed if there is no such preview.")
    ] = False,
    json: Json = False,
    now: Now = None,
) -> None:
    """Destroy a preview, check that nothing of it is left, and remove it from your kubeconfig.

    Example: `microcosm preview down --pr 123`
    """
    number = preview.parse_pr(pr)
    context = _context(now)
    if if_exists and preview.stack_name(number) not in context.stacks.names():
        note(f"there is no preview {preview.stack_name(number)}: nothing was done")
        return
    place = preview_down.down(context, number, region, preview_recover.if_forced(break_lock))
    if json:
        print_json({"stack": preview.stack_name(number), "region": place, "left": 0})
    else:
        note(f"{preview.stack_name(number)} is gone: 0 resources left in {place}")


@app.command()
def reap(
    open_prs: Annotated[
        Path | None,
        typer.Option("--open-prs", metavar="FILE", help="The open pull requests (JSON list, or one a line)."),
    ] = None,
    github: Annotated[bool, typer.Option("--github", help="List the open pull requests with `gh`.")] = False,
    stale_after: Annotated[
        str, typer.Option(metavar="TIME", help="Break locks older than this; no run takes so long.")
    ] = "3h",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the previews that would be destroyed.")
    ] = False,
    json: Json = False,
    now: Now = None,
) -> None:
    """Destroy every preview that has expired or whose pull request is closed, several at once.

    Without a list of open pull requests only the expiry counts. Several reapers may run at the same time: a
    preview that another run is changing is skipped. Exit code 1 if a preview could not be destroyed; the
    others are destroyed all the same.

    Example: `microcosm preview reap --github`
    """
    if open_prs and github:
        raise UsageError("--open-prs and --github exclude each other: give one of them")
    still_open = open_pull_requests.read(open_prs, github)
    stale = preview.parse_ttl(stale_after, "--stale-after")
    outcomes = preview_down.reap(_context(now), still_open, stale, dry_run)
    preview_report.show_reaped(outcomes, json)
    raise typer.Exit(
        OperatorError.exit_code if any(outcome.result == "failed" for outcome in outcomes) else 0
    )


app.command("ci-policy")(pipeline_command.policy)
