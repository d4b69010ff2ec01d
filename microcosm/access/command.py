"""`microcosm shell` and `microcosm rdp`: open a terminal or the desktop of a machine through Session
Manager.
"""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import options
from ..aws.machines import Machine
from ..aws.session import Session
from ..errors import OperatorError, UsageError
from ..output import aligned, note, print_json, print_line
from . import machine as access
from . import session as access_session

RDP = 3389
NODE = "The node's name as in `kubectl get nodes`, e.g. linux-0."

Print = Annotated[bool, typer.Option("--print", "--dry-run", help="Only print the command.")]


def shell(
    node: Annotated[str, typer.Argument(metavar="NODE", help=NODE)],
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    show: Print = False,
) -> None:
    """Open a terminal on a machine: a shell on Linux, PowerShell on Windows. No open port or key is needed.

    Requires the AWS CLI and its Session Manager plugin. --json prints the command and starts nothing.

    Example: `microcosm shell --stack dev windows-0`
    """
    target, session = options.connect(stack, region)
    machine = access.require_running(access.find(session, target, node))
    command = access_session.terminal_command(target, machine.instance)
    if json:
        print_json(_document(machine, command))
    elif show:
        print_line(shlex.join(command))
    else:
        _hand_over(machine, command)


def rdp(
    node: Annotated[
        str | None, typer.Argument(metavar="NODE", help="The Windows node; by default the only one.")
    ] = None,
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    show: Print = False,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The RSA private key of keyName; decrypts the password."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="The local port; by default a free one.")
    ] = None,
) -> None:
    """Forward a Windows machine's desktop (RDP) to a local port and show the administrator's password.

    The password is decrypted on this computer with --key, printed once and not stored. Press Ctrl-C to end
    the session. --json prints the address, the user and the password for another program, and starts nothing.

    Example: `microcosm rdp --stack dev --key ~/.ssh/windows.pem`
    """
    target, session = options.connect(stack, region)
    machine = access.require_running(
        access.find(session, target, node) if node else access.only_windows(session, target)
    )
    if machine.family != "windows":
        raise UsageError(
            f"{machine.node} runs {machine.os}, which has no desktop: use `microcosm shell {machine.node}`"
        )
    local = access_session.refuse_taken(port) if port else access_session.free_port()
    command = access_session.port_command(target, machine.instance, RDP, local)
    if show and not json:
        print_line(shlex.join(command))
        return
    login = _login(session, machine, key, f"{access_session.LOOPBACK}:{local}")
    if json:
        print_json(_document(machine, command) | login)
        return
    access_session.require_programs()
    print_line(aligned([[f"{name}:", str(value)] for name, value in login.items()]))
    note(
        "without --key the password is not shown"
        if key is None
        else "the password is not stored; run this again to see it"
    )
    _hand_over(machine, command)


def _login(session: Session, machine: Machine, key: Path | None, address: str) -> dict[str, Any]:
    # The cryptography library takes long to import and is needed only for the password.
    from . import password as access_password

    login = {"address": address, "user": access_password.USER}
    if key is None:
        return login
    secret = access_password.read_key(
        key, lambda: str(typer.prompt(f"Passphrase of {key}", hide_input=True, err=True))
    )
    return login | {"password": access_password.fetch(session, machine, secret)}


def _document(machine: Machine, command: list[str]) -> dict[str, Any]:
    return {"node": machine.node, "os": machine.os, "instance": machine.instance, "command": command}


def _hand_over(machine: Machine, command: list[str]) -> None:
    access_session.require_programs()
    code = access_session.run(command)
    if code:
        raise OperatorError(
            f"the session with {machine.node} ended with {code}: if it did not start, the machine's agent "
            f"is not "
            f"connected (it needs minutes after a start; see `microcosm logs {machine.node}`) or you lack "
            f"the "
            "permission ssm:StartSession"
        )
