"""Session Manager as a program: the AWS CLI and its plugin, which carry the terminal or a port through an encrypted channel.

No port of the machine is open for it, and no key is needed: AWS lets in whoever may call ssm:StartSession.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from .errors import OperatorError
from .target import Target

PORT_FORWARD = "AWS-StartPortForwardingSession"
LOOPBACK = "127.0.0.1"
# What the AWS CLI needs, and where each is explained (AWS CLI and Systems Manager user guides).
PROGRAMS: Mapping[str, str] = {
    "aws": "the AWS CLI, version 2: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "its Session Manager plugin: "
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
}


def missing_programs(which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """How to get each program that is not on PATH."""
    return [f"{name} ({source})" for name, source in PROGRAMS.items() if which(name) is None]


def require_programs(which: Callable[[str], str | None] = shutil.which) -> None:
    """OperatorError that says what to install."""
    if missing := missing_programs(which):
        raise OperatorError(f"a session needs a program that is not on PATH: install {' and '.join(missing)}; --print shows the command instead")


def terminal_command(target: Target, instance: str) -> list[str]:
    """A shell on the machine: sh on Linux, PowerShell on Windows."""
    return ["aws", "ssm", "start-session", "--region", target.region, "--target", instance]


def port_command(target: Target, instance: str, remote: int, local: int) -> list[str]:
    """A port of the machine on this computer's loopback."""
    parameters = json.dumps({"portNumber": [str(remote)], "localPortNumber": [str(local)]})
    return [*terminal_command(target, instance), "--document-name", PORT_FORWARD, "--parameters", parameters]


def free_port() -> int:
    """A local port that nobody listens on; the plugin binds it a moment later."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def refuse_taken(port: int) -> int:
    """The port, if the plugin will be able to listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as taken:
            raise OperatorError(f"--port {port} cannot be used ({taken.strerror}): name another, or none for a free one") from taken
    return port


def run(command: Sequence[str]) -> int:
    """Hand the terminal to the session; Ctrl-C is the session's, not ours. Returns its exit code."""
    sys.stdout.flush()  # what was printed before stands before what the session prints
    # A handler, not SIG_IGN: the child would inherit that, and could not be interrupted at all.
    before = signal.signal(signal.SIGINT, _leave_it_to_the_session)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_it_to_the_session(number: int, frame: FrameType | None) -> None:
    pass
