"""`microcosm logs`: collect a failure bundle into a folder that only its owner can read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .. import options
from ..access import machine as access
from ..errors import UsageError
from ..output import note, print_json, print_line
from . import report
from .bundle import Bundle, collect

INDEX = "index.txt"


def command(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node's name, e.g. windows-0.")],
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="A new folder; by default `microcosm-logs-<stack>-<node>-<time>` here.",
        ),
    ] = None,
) -> None:
    """Collect all logs of a machine, in any state, and summarize in one line what is wrong.

    The status report and the console come from AWS, the other logs from the machine through Run Command.
    index.txt lists missing files with the reason; a missing file is no error. Tokens and keys are cut out.

    Example: `microcosm logs --stack dev windows-0`
    """
    target, session = options.connect(stack, region)
    machine = access.find(session, target, node)
    when = datetime.now(UTC)
    folder = _new_folder(out or Path(f"microcosm-logs-{target.stack}-{node}-{when:%Y%m%dT%H%M%SZ}"))
    note(f"collecting logs of {machine.node} ({machine.instance}) ...")
    bundle = collect(session, target.stack, machine)
    write(folder, bundle, f"{when:%Y-%m-%dT%H:%M:%SZ}")
    if json:
        print_json(report.document(bundle, str(folder)))
    else:
        print_line(report.verdict(bundle))
        note(
            f"wrote {folder / INDEX} and {len(bundle.files) - len(bundle.missing)} more files; start with "
            f"the index"
        )


def _new_folder(path: Path) -> Path:
    """Create the folder before collecting, so that an unwritable place fails at once and not after
    minutes.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise UsageError(
                f"--out {path} is not empty: name a new folder, so that old and new logs do not mix"
            )
    except OSError as problem:
        raise UsageError(f"--out {path} cannot be made ({problem.strerror}): name a new folder") from problem
    return path


def write(folder: Path, bundle: Bundle, when: str) -> None:
    """Write the files of the bundle and its index."""
    for entry in bundle.files:
        if not entry.problem:
            (folder / entry.file).write_text(entry.text, encoding="utf-8")
    (folder / INDEX).write_text(report.index(bundle, when), encoding="utf-8")
