"""`microcosm repair`: what a person does when `pulumi up` or `destroy` was cut off and will not go on by itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import options, preview_recover
from .errors import UsageError
from .output import aligned, note, print_json
from .preview_recover import Strays
from .preview_world import World, real_world


def _world() -> World:
    # Pulumi's SDK takes longer to import than the other commands take to run.
    from . import preview_progress
    from .stacks import PulumiStacks
    from .target import PROJECT_FILE, project_directory

    project = project_directory(Path.cwd())
    if project is None:
        raise UsageError(f"there is no {PROJECT_FILE} from {Path.cwd()} upwards: run this in a checkout of the project")
    return real_world(PulumiStacks(project), None, preview_progress.watch)


def command(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    break_lock: Annotated[bool, typer.Option("--break-lock", help="Take whoever holds the stack's lock for dead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Make a stack's state true again after a `pulumi up` or `destroy` that was killed, or that never heard AWS's answer.

    Frees the lock of a run that is gone, forgets its half-done operations, and deletes what carries the stack's tag and is
    not in the state, after showing it: AWS made it, but Pulumi was never told. Then run `pulumi up` or `destroy` again.

    Example: `microcosm repair --stack dev`
    """
    if json and not yes:
        raise UsageError("--json has nobody to ask: add --yes")
    target, session = options.connect(stack, region)
    world = _world()
    account = str(session.client("sts").get_caller_identity()["Account"])
    preview_recover.free_lock(world, target.stack, preview_recover.when_told(break_lock))

    def agree(found: Strays) -> bool:
        note(aligned([["IN NO STATE", "ID", "NAME"], *found.rows]))
        if yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError("there is nobody here to ask whether to delete these: add --yes, or run it at a terminal")
        return typer.confirm(
            f"Delete these {len(found.rows)} objects, which stack {target.stack} of {world.stacks.backend} does not know ({account})?"
        )

    deleted = preview_recover.repair(world, target, session, agree=agree)
    if json:
        print_json({"stack": target.stack, "region": target.region, "deleted": [row[:2] for row in deleted.rows]})
    elif not deleted:
        note(f"{target.stack}: nothing was deleted; run `pulumi up` or `pulumi destroy` again")
