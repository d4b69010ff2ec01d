"""Run programs of the system."""

import subprocess
from typing import BinaryIO

from rehearsal.windows_node.errors import StandinError


def run(*command: str, stdin: str = "") -> str:
    """Run a program to its end; a failure is one sentence with the program's output."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise StandinError(f"{command[0]} is not installed; it is needed for: {' '.join(command)}") from error
    if done.returncode != 0:
        output = done.stderr.strip() or done.stdout.strip()
        raise StandinError(f"`{' '.join(command)}` failed with {done.returncode}: {output}")
    return done.stdout


def start(command: list[str], log_file: BinaryIO, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a long-running program that ends with the calling thread, even if the stand-in is killed."""
    tied = ["setpriv", "--pdeathsig", "KILL", *command]
    return subprocess.Popen(
        tied, stdin=subprocess.DEVNULL, stdout=log_file, stderr=subprocess.STDOUT, env=environment
    )


def end(process: subprocess.Popen[bytes], grace_seconds: float) -> int:
    """Send SIGTERM, then SIGKILL after the grace period; return the exit code as a container runtime does
    (128 + signal).
    """
    process.terminate()
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return exit_code(process)


def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of an ended process, a signal as 128 + its number."""
    code = process.returncode
    return 128 - code if code < 0 else code
