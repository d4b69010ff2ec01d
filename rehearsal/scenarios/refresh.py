"""A scenario of day two: refreshes, extensions and updates of one preview, none of which may change what
nobody changed.
"""

import json
from datetime import datetime
from typing import Any

from infra import join_parameters
from infra.config.naming import Names

from . import checks
from .checks import CheckFailed
from .life import Run, Step
from .previews import nothing_left, preview, published_end, up_command

PR = 104
STACK = f"pr-{PR}"
UNCHANGED = ("--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK)
# Parameters that machines write once: a later version was written by Pulumi.
WRITTEN_ONCE = (
    join_parameters.KUBECONFIG,
    join_parameters.WINDOWS_NETWORK,
    "status/control-plane",
    "status/linux-0",
)


def first_up(run: Run) -> str:
    run.before = checks.listing(run.session)
    document = json.loads(preview(run, *up_command(run, PR, "8h")))
    run.outputs[STACK] = document
    return f"{document['url']} is up until {document['expires']}"


def refreshed(run: Run) -> str:
    return _unchanged(run, "refresh")


def unchanged_up(run: Run) -> str:
    return _unchanged(run, "up")


def refreshing_up(run: Run) -> str:
    return _unchanged(run, "up", "--refresh")


def first_extension(run: Run) -> str:
    return _extend(run, "1h")


def other_owner(run: Run) -> str:
    """Change one tag of every object; the values that machines and `extend` have written must stay."""
    return _update(run, "--owner", "another owner")


def second_extension(run: Run) -> str:
    return _extend(run, "2h")


def last_up(run: Run) -> str:
    """Run `up` once more, which only moves the end in the tags, then `pulumi up`, which has nothing left
    to do.
    """
    text = _update(run)
    return f"{text}; then pulumi up: {_unchanged(run, 'up')}"


def down(run: Run) -> str:
    preview(run, "down", "--pr", str(PR))
    return nothing_left(run)


def _unchanged(run: Run, *command: str) -> str:
    """Run an operation that must change nothing: the engine itself fails at the first change."""
    run.session.run("pulumi", *command, *UNCHANGED, tell=run.tell)
    return "nothing changed"


def _extend(run: Run, by: str) -> str:
    later = json.loads(preview(run, "extend", "--pr", str(PR), "--by", by, "--json"))["expires"]
    if datetime.fromisoformat(later) <= datetime.fromisoformat(run.outputs[STACK]["expires"]):
        raise CheckFailed(
            f"{STACK} was extended to {later}, which is not after {run.outputs[STACK]['expires']}"
        )
    run.outputs[STACK]["expires"] = later
    _end_stands(run)
    return f"{STACK} lives until {later}"


def _update(run: Run, *options: str) -> str:
    """Run `preview up`; CheckFailed if it writes over a machine's parameter, moves the end, or does more
    than update.
    """
    before = _written(run)
    preview(run, *up_command(run, PR, None), *options)
    if (after := _written(run)) != before:
        changed = sorted(name for name in before if after.get(name) != before[name])
        raise CheckFailed(f"an update wrote over {', '.join(changed)}, which machines had written")
    _end_stands(run)
    counts = _last_update(run)
    if any(counts.get(kind) for kind in ("create", "delete", "replace")):
        raise CheckFailed(f"a changed tag should only update: {counts}")
    return f"{counts.get('update', 0)} updated, {counts.get('same', 0)} unchanged"


def _last_update(run: Run) -> dict[str, int]:
    history: list[dict[str, Any]] = json.loads(
        run.session.output("pulumi", "stack", "history", "--json", "--stack", STACK)
    )
    return history[0]["resourceChanges"]


def _end_stands(run: Run) -> None:
    if (told := published_end(run, PR)) != (wanted := run.outputs[STACK]["expires"]):
        raise CheckFailed(
            f"the machines of {STACK} are told {told}, although its end was extended to {wanted}"
        )


def _written(run: Run) -> dict[str, int]:
    """Read the version of each parameter: every write makes another one, also of the same value."""
    ssm, names = run.session.client("ssm"), Names(stack=STACK)
    return {
        path: ssm.get_parameter(Name=names.parameter(path))["Parameter"]["Version"] for path in WRITTEN_ONCE
    }


STEPS = (
    Step("preview up", "a preview with its workloads", first_up),
    Step("refresh", "pulumi refresh sees no drift", refreshed),
    Step("up", "pulumi up changes nothing", unchanged_up),
    Step("up --refresh", "pulumi up --refresh changes nothing", refreshing_up),
    Step("extend", "the preview lives longer", first_extension),
    Step("changed tag", "preview up with another owner updates tags and nothing else", other_owner),
    Step("extend again", "the preview lives longer still", second_extension),
    Step("up again", "preview up moves the end in the tags; the second extension stands", last_up),
    Step("preview down", "nothing remains", down),
)
SCENARIOS = {"refresh": STEPS}
