"""Run Session Manager: the AWS CLI and its plugin carry a terminal or a port through an encrypted channel.

The machine needs no open port and the user no key: AWS requires the permission ssm:StartSession.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from ..errors import OperatorError
from ..pulumi_cli.target import Target

PORT_FORWARD = "AWS-StartPortForwardingSession"
LOOPBACK = "127.0.0.1"
# The programs that a session needs, with their pages in the AWS CLI and Systems Manager user guides.
PROGRAMS: Mapping[str, str] = {
    "aws": "the AWS CLI, version 2: "
    "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "its Session Manager plugin: "
    "https://docs.aws.amazon.com/systems-manager/latest/userguide"
    "/session-manager-working-with-install-plugin.html",
}


def missing_programs(which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """List how to install each program that is not on PATH."""
    return [f"{name} ({source})" for name, source in PROGRAMS.items() if which(name) is None]


def require_programs(which: Callable[[str], str | None] = shutil.which) -> None:
    """Raise OperatorError with installation hints if a program is missing."""
    if missing := missing_programs(which):
        raise OperatorError(
            f"a session needs a program that is not on PATH: install {' and '.join(missing)}; --print shows "
            f"the command"
        )


def terminal_command(target: Target, instance: str) -> list[str]:
    """Return the command for a shell on the machine: sh on Linux, PowerShell on Windows."""
    return ["aws", "ssm", "start-session", "--region", target.region, "--target", instance]


def port_command(target: Target, instance: str, remote: int, local: int) -> list[str]:
    """Return the command that forwards a port of the machine to this computer's loopback."""
    parameters = json.dumps({"portNumber": [str(remote)], "localPortNumber": [str(local)]})
    return [*terminal_command(target, instance), "--document-name", PORT_FORWARD, "--parameters", parameters]


def free_port() -> int:
    """Return a free local port; the plugin binds it a moment later."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def refuse_taken(port: int) -> int:
    """Return the port, or raise OperatorError if the plugin could not listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as taken:
            raise OperatorError(
                f"--port {port} cannot be used ({taken.strerror}): name another, or none for a free one"
            ) from taken
    return port


def run(command: Sequence[str]) -> int:
    """Give the terminal to the session until it ends; return its exit code. Only the session gets Ctrl-C."""
    sys.stdout.flush()  # otherwise the session's output could overtake our earlier lines
    # The child would inherit SIG_IGN and could not be interrupted at all, so use a handler.
    before = signal.signal(signal.SIGINT, _leave_it_to_the_session)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_it_to_the_session(number: int, frame: FrameType | None) -> None:
    pass
