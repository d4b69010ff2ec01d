"""`microcosm repair`: repair a stack whose `pulumi up` or `destroy` was interrupted."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .errors import UsageError
from .output import aligned, note, print_json
from .preview import recover as preview_recover
from .preview.context import Context, default_context
from .preview.recover import Orphans


def _context() -> Context:
    # Pulumi's SDK takes longer to import than the other commands need to run.
    from .preview import progress
    from .pulumi_cli.stacks import PulumiStacks
    from .pulumi_cli.target import PROJECT_FILE, project_directory

    project = project_directory(Path.cwd())
    if project is None:
        raise UsageError(
            f"there is no {PROJECT_FILE} in {Path.cwd()} or above it: run this in a checkout of the project"
        )
    return default_context(PulumiStacks(project), None, progress.watch)


def command(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="Break the stack's lock, because its owner is dead.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Repair a stack's state after `pulumi up` or `destroy` was killed or lost an answer of AWS.

    Breaks the lock of a dead run, removes its pending operations, and deletes orphaned resources: objects
    that carry the stack's tag and are not in its state. They are listed before the deletion. Then run `pulumi
    up` or `destroy` again.

    Example: `microcosm repair --stack dev`
    """
    if json and not yes:
        raise UsageError("--json cannot ask for confirmation: add --yes")
    target, session = options.connect(stack, region)
    context = _context()
    account = str(session.client("sts").get_caller_identity()["Account"])
    preview_recover.free_lock(context, target.stack, preview_recover.if_forced(break_lock))

    def agree(found: Orphans) -> bool:
        note(aligned([["IN NO STATE", "ID", "NAME"], *found.rows]))
        if yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError("the deletion needs a confirmation: add --yes, or run this at a terminal")
        return typer.confirm(
            f"Delete these {len(found.rows)} objects, which are not in the state of stack {target.stack} in "
            f"{context.stacks.backend} (account {account})?"
        )

    deleted = preview_recover.repair(context, target, session, agree=agree)
    if json:
        print_json(
            {"stack": target.stack, "region": target.region, "deleted": [row[:2] for row in deleted.rows]}
        )
    elif not deleted:
        note(f"{target.stack}: nothing was deleted; run `pulumi up` or `pulumi destroy` again")
