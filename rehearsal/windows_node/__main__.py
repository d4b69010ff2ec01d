"""The command that the machine host starts, as root in the network of each Windows instance."""

import logging
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from rehearsal.windows_node.aws import Aws
from rehearsal.windows_node.errors import InputError, StandinError
from rehearsal.windows_node.machine import Options, StandIn
from rehearsal.windows_node.node import RELEASES

log = logging.getLogger(__name__)

_LOG_FORMAT = "%(asctime)s windows stand-in, %(threadName)s: %(message)s"


def main(
    *,
    instance_id: Annotated[str, typer.Option(help="EC2 instance that this process stands in for")],
    node: Annotated[str, typer.Option(help="Kubernetes node name, the instance's tag microcosm:node")],
    private_ip: Annotated[str, typer.Option("--private-ip", "--ip", help="address of the instance, on eth0")],
    state: Annotated[Path, typer.Option(help="folder of this instance, kept over its reboots")],
    region: Annotated[str, typer.Option(help="AWS region")],
    ca: Annotated[
        Path | None, typer.Option(help="CA (PEM) of AWS's public names; default: the public CAs")
    ] = None,
    flanneld: Annotated[
        str, typer.Option(help="the Linux flanneld, a path or a program on PATH")
    ] = "flanneld",
    os_name: Annotated[
        str | None,
        typer.Option("--os", help=f"{', '.join(RELEASES)}; default: the release of the images to pull"),
    ] = None,
    log_file: Annotated[Path | None, typer.Option("--log", help="log file; default: standard output")] = None,
) -> None:
    """Stand in for one Windows instance until SIGTERM. This is not Windows."""
    output = logging.FileHandler(log_file) if log_file else logging.StreamHandler(sys.stdout)
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT, handlers=[output])
    try:
        program = _checked(flanneld, os_name)
        state.mkdir(parents=True, exist_ok=True)
        options = Options(
            instance_id=instance_id,
            node=node,
            ip=private_ip,
            state=state,
            flanneld=program,
            aws=Aws(region, ca),
            os_name=os_name,
        )
        _run_until_sigterm(StandIn(options))
    except (StandinError, OSError) as error:
        log.error("%s", error)
        raise typer.Exit(1) from None


def _checked(flanneld: str, os_name: str | None) -> str:
    if os_name is not None and os_name not in RELEASES:
        raise InputError(f"--os is {os_name}; accepted is one of {', '.join(RELEASES)}")
    program = shutil.which(flanneld)
    if program is None:
        raise InputError(
            f"--flanneld {flanneld} is no program; give the path of a Linux flanneld, or put it on PATH"
        )
    return program


def _run_until_sigterm(stand_in: StandIn) -> None:
    signal.signal(signal.SIGTERM, _stop)
    try:
        stand_in.run()
    finally:
        # A second SIGTERM must not interrupt the end of the child processes.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stand_in.end()


def _stop(*_: object) -> NoReturn:
    sys.exit(0)


command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
command.command()(main)

if __name__ == "__main__":
    command()
