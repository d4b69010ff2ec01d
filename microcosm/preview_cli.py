"""`microcosm preview ...`: reads options, calls one function, prints what it returns."""

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from . import ci_policy, preview, preview_down, preview_list, preview_progress, preview_recover, preview_report, preview_up
from .errors import OperatorError, UsageError
from .options import Json
from .output import note, print_json, print_table
from .preview_world import World, real_world
from .target import PROJECT_FILE, project_directory

app = typer.Typer(
    help="Whole clusters for pull requests, that end by themselves.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
Pr = Annotated[str, typer.Option("--pr", metavar="NUMBER", help="The pull request; its stack is `pr-NUMBER`.")]
Region = Annotated[str | None, typer.Option("--region", metavar="NAME", help="The AWS region; by default the preview's own, else AWS_REGION.")]
Now = Annotated[str | None, typer.Option("--now", hidden=True, metavar="TIME", help="Act as if it were that time.")]
BreakLock = Annotated[bool, typer.Option("--break-lock", help="Take whoever holds the stack's lock for dead.")]


def _world(now: str | None) -> World:
    # Pulumi's SDK takes longer to import than the other commands take to run.
    from .stacks import PulumiStacks

    project = project_directory(Path.cwd())
    if project is None:
        raise UsageError(f"there is no {PROJECT_FILE} from {Path.cwd()} upwards: run this in a checkout of the project")
    return real_world(PulumiStacks(project), preview.parse_moment(now, "--now") if now else None, preview_progress.watch)


@app.command()
def up(
    pr: Pr,
    ttl: Annotated[str | None, typer.Option(metavar="TIME", help="How long it lives, 30m to 72h; 8h when it is new.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A key of Pulumi.yaml; may be given again.")] = None,
    admit: Annotated[list[str] | None, typer.Option(metavar="CIDR", help="A range that may come in besides you; may be given again.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Whose it is; by default GITHUB_ACTOR, else you.")] = None,
    region: Region = None,
    break_lock: BreakLock = False,
    reap_myself: Annotated[bool, typer.Option("--reap-myself", help="Accept a backend that no reaper elsewhere can read.")] = False,
    json: Json = False,
    now: Now = None,
) -> None:
    """Build the preview of a pull request, bring it up to date, or finish what an interrupted run began.

    An end that was extended stays; `--ttl` sets another, counted from now. What is not given with `--set` stays as it was.

    Example: `microcosm preview up --pr 123 --ttl 4h --set kubernetesVersion=1.35.8`
    """
    request = preview_up.Request(
        pr=preview.parse_pr(pr),
        region=region,
        ttl=preview.parse_ttl(ttl) if ttl else None,
        owner=owner,
        settings=preview.parse_settings(settings or []),
        admit=tuple(admit or ()),
        break_lock=break_lock,
        reap_myself=reap_myself,
    )
    world = _world(now)
    result = preview_up.up(world, request)
    if json:
        print_json(preview_report.document(result))
    else:
        preview_report.show(result, world.now())


@app.command("list")
def list_previews(json: Json = False, now: Now = None) -> None:
    """List the previews of the backend: owner, age, end, health, and what they have cost so far.

    Example: `microcosm preview list`
    """
    rows = preview_list.rows(_world(now))
    if json:
        print_json([row.document for row in rows])
    elif rows:
        print_table(preview_list.COLUMNS, [row.cells for row in rows])
    else:
        note("there are no previews")


@app.command()
def extend(
    pr: Pr,
    by: Annotated[str, typer.Option(metavar="TIME", help="How much longer it lives than now agreed.")],
    json: Json = False,
    now: Now = None,
) -> None:
    """Let a preview live longer: its machines and the reaper learn the new end. At most 72h from now.

    Example: `microcosm preview extend --pr 123 --by 4h`
    """
    longer = preview_up.extend(_world(now), preview.parse_pr(pr), preview.parse_ttl(by, "--by"))
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
    if_exists: Annotated[bool, typer.Option("--if-exists", help="That there is no such preview is no error.")] = False,
    json: Json = False,
    now: Now = None,
) -> None:
    """Destroy a preview, show that nothing is left of it, and take it out of your kubeconfig.

    Example: `microcosm preview down --pr 123`
    """
    number = preview.parse_pr(pr)
    world = _world(now)
    if if_exists and preview.stack_name(number) not in world.stacks.names():
        note(f"there is no preview {preview.stack_name(number)}: nothing was done")
        return
    place = preview_down.down(world, number, region, preview_recover.when_told(break_lock))
    if json:
        print_json({"stack": preview.stack_name(number), "region": place, "left": 0})
    else:
        note(f"{preview.stack_name(number)} is gone: 0 resources left in {place}")


@app.command()
def reap(
    open_prs: Annotated[
        Path | None, typer.Option("--open-prs", metavar="FILE", help="The open pull requests (JSON list, or one a line): others are reaped.")
    ] = None,
    github: Annotated[bool, typer.Option("--github", help="Ask `gh` which pull requests are open.")] = False,
    stale_after: Annotated[str, typer.Option(metavar="TIME", help="Break locks that are older; no run takes so long.")] = "3h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: Json = False,
    now: Now = None,
) -> None:
    """Destroy every preview that has expired or whose pull request is closed, several at once.

    Safe to run from cron, and by several at once: a preview that another run is at work on is left to it. Exit code 1 when
    one could not be destroyed; the others are all the same.

    Example: `microcosm preview reap --github`
    """
    if open_prs and github:
        raise UsageError("--open-prs and --github say the same thing twice: give one of them")
    still_open = _open(open_prs, github)
    stale = preview.parse_ttl(stale_after, "--stale-after")
    outcomes = preview_down.reap(_world(now), still_open, stale, dry_run)
    preview_report.show_reaped(outcomes, json)
    raise typer.Exit(OperatorError.exit_code if any(outcome.result == "failed" for outcome in outcomes) else 0)


@app.command("ci-policy")
def policy(
    account: Annotated[str, typer.Option(metavar="ID", help="The AWS account of the previews.")],
    state_bucket: Annotated[str, typer.Option("--state-bucket", metavar="NAME", help="The bucket of Pulumi's state.")],
    repository: Annotated[str, typer.Option("--repo", metavar="OWNER/NAME", help="The repository on GitHub.")],
    owner_id: Annotated[str | None, typer.Option("--owner-id", metavar="ID", help="The number of its owner on GitHub.")] = None,
    repo_id: Annotated[str | None, typer.Option("--repo-id", metavar="ID", help="The number of the repository on GitHub.")] = None,
    boundary: Annotated[
        str | None, typer.Option("--permissions-boundary", metavar="ARN", help="The policy that bounds the roles of previews; give it to `up`, too.")
    ] = None,
    by_name: Annotated[bool, typer.Option("--subject-by-name", help="Its tokens carry no ids: a repository from before 2026-07-15.")] = False,
) -> None:
    """Print the role of the pipeline as JSON: its `permissions`, and its `trust`, by which GitHub's jobs take it.

    `gh api repos/OWNER/NAME --jq '.owner.id, .id'` prints the two ids.

    Example: `microcosm preview ci-policy --account 123456789012 --state-bucket previews --repo octo/app --owner-id 583231 --repo-id 1296269`
    """
    repo = ci_policy.Repository(name=repository, owner_id=owner_id, id=repo_id, by_name=by_name)
    ci_policy.refuse_misuse(account, state_bucket, repo, boundary)
    print_json({"permissions": ci_policy.permissions(account, state_bucket, boundary), "trust": ci_policy.trust(account, repo)})


def _open(path: Path | None, github: bool) -> frozenset[int] | None:
    if path:
        try:
            return preview.parse_open(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError(
                f"--open-prs {path} cannot be read ({type(problem).__name__}): name a file that lists the open pull requests"
            ) from problem
    return preview.parse_open(_ask_github(), "gh") if github else None


def _ask_github() -> str:
    if shutil.which("gh") is None:
        raise UsageError("gh is not on PATH: install GitHub's command line, or give --open-prs FILE")
    done = subprocess.run(["gh", "pr", "list", "--state", "open", "--limit", "5000", "--json", "number"], capture_output=True, text=True)
    if done.returncode:
        raise OperatorError(
            f"gh could not say which pull requests are open: {done.stderr.strip() or f'exit code {done.returncode}'}; nothing was reaped"
        )
    return done.stdout
