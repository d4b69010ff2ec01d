"""`python -m rehearsal.wine`: run the check alone, or record the help texts of the programs."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.config import versions as matrix
from rehearsal import build
from rehearsal.session import STATE, RehearsalError, kept_session
from rehearsal.wine import help_texts
from rehearsal.wine.check import check
from rehearsal.wine.computer import WineHost
from rehearsal.wine.errors import WineError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(highlight=False, soft_wrap=True)


@app.command("check")
def check_kept(
    state: Annotated[Path, typer.Option(help="folder of the rehearsal that was kept")] = STATE,
) -> None:
    """Run the check against the cluster that `make rehearse KEEP=1` left up."""
    session = kept_session(lambda kubernetes: build.ensure(kubernetes=kubernetes), state)
    if session is None:
        raise WineError(f"no rehearsal is up in {state}: start one with `make rehearse KEEP=1`")
    began = time.monotonic()
    console.print(check(session), markup=False)
    logs = session.state / "logs" / "wine"
    console.print(f"in {time.monotonic() - began:.1f} s; the programs' output is in {logs}", markup=False)


@app.command("help")
def record_help(
    folder: Annotated[Path, typer.Argument(help="folder of the texts")] = help_texts.FOLDER,
    kubernetes: Annotated[
        str, typer.Option(help=f"one of {', '.join(matrix.KUBERNETES_VERSIONS)}")
    ] = matrix.DEFAULT_KUBERNETES,
) -> None:
    """Record --help of the Windows binaries of a Kubernetes version; needed when their pins change."""
    made = build.ensure(kubernetes=kubernetes)
    with tempfile.TemporaryDirectory() as scratch:
        wine_host = WineHost(folder=Path(scratch) / "wine", logs=Path(scratch) / "logs")
        wine_host.set_up(made.wine_prefix, made.windows)
        try:
            for path in help_texts.record(wine_host, made.versions, folder):
                console.print(path, markup=False)
        finally:
            wine_host.shut_down()


if __name__ == "__main__":
    try:
        app()
    except (WineError, RehearsalError, build.SuppliesError) as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        sys.exit(1)
