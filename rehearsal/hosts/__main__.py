"""`python -m rehearsal.hosts`: run the machine host, run a command in one of its machines, or remove its
remains.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.hosts import clean, record
from rehearsal.hosts.errors import MachineHostError
from rehearsal.hosts.layout import Layout

if TYPE_CHECKING:
    from rehearsal.hosts.room import Options

DEFAULT_STATE = Path("/var/lib/microcosm/rehearsal")
PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "setpriv": "util-linux",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}

_log = logging.getLogger("rehearsal.hosts")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
State = Annotated[Path, typer.Option(help="state folder of the machine host; all its names derive from it")]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    aws_endpoint: Annotated[str, typer.Option(help="the fake cloud, e.g. http://127.0.0.1:5000")] = "",
    region: str = "eu-west-1",
    root: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="root file system of Linux machines")
    ] = None,
    artifacts: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="folder that the artifact mirror serves")
    ] = None,
    registry: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="OCI image layout for the registry")
    ] = None,
    state: State = DEFAULT_STATE,
    verbose: bool = False,
) -> None:
    """Run the machine host until SIGTERM or SIGINT."""
    if context.invoked_subcommand:
        return
    if not (aws_endpoint and root and artifacts and registry):
        raise typer.BadParameter(
            "--aws-endpoint, --root, --artifacts and --registry are needed to run the machine host"
        )
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("rehearsal").setLevel(logging.DEBUG if verbose else logging.INFO)
    _check_host()
    if not (registry / "index.json").is_file():
        raise MachineHostError(
            f"--registry {registry} has no index.json; give a folder in the OCI image layout"
        )
    # Every check of a rehearsal calls `exec`, which needs neither boto3 nor aiohttp.
    from rehearsal.hosts.room import Options

    options = Options(
        aws_endpoint=aws_endpoint,
        region=region,
        root=root.resolve(),
        artifacts=artifacts.resolve(),
        registry=registry.resolve(),
        state=state.resolve(),
    )
    asyncio.run(_run(options))


@app.command("clean")
def clean_up(state: State = DEFAULT_STATE) -> None:
    """End the machine host of this folder and remove everything that it left, except the logs."""
    for found in asyncio.run(_clean(Layout(state.resolve()))):
        print(f"removed {found}")


@app.command(
    "exec",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    },
)
def execute(context: typer.Context, node: str, state: State = DEFAULT_STATE) -> None:
    """Run a command in a machine: `exec NODE -- COMMAND`.

    For a Windows stand-in, run it in the stand-in's network.
    """
    machine = record.machine_of(record.read(Layout(state.resolve())), node)
    enter = {
        "linux": ["nsenter", "--target", str(machine["leader"]), "--all"],
        "windows": ["ip", "netns", "exec", machine["netns"]],
    }
    words = [*enter[machine["os"]], *(context.args or ["/bin/bash"])]
    environment = _ENVIRONMENT | {"TERM": os.environ.get("TERM", "dumb")}
    os.execvpe(words[0], words, environment)  # noqa: S606 - becomes the command


async def _run(options: "Options") -> None:
    from rehearsal.hosts.room import MachineHost

    layout = Layout(options.state)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with clean.locked(layout):
        for found in await clean.remove_remains(layout):
            _log.info("removed from an earlier machine host: %s", found)
        await MachineHost(options).run(stop)


async def _clean(layout: Layout) -> list[str]:
    if not layout.state.exists():
        return []
    await clean.stop_running(layout)
    with clean.locked(layout):
        return await clean.remove_remains(layout)


def _check_host() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise MachineHostError(
            "the machine host creates network namespaces and boots machines: run it on Linux as root"
        )
    missing = {program: package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if missing:
        wanted = ", ".join(f"{program} (Debian package {package})" for program, package in missing.items())
        raise MachineHostError(f"not found on PATH: {wanted}; install them")


if __name__ == "__main__":
    try:
        app()
    except MachineHostError as error:
        sys.exit(f"machine host: {error}")
