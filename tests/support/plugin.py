"""Start and end a plugin of the engine."""

import signal
import subprocess
import sys
from pathlib import Path

SECONDS = 20
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PULUMI_PYTHON_CMD": sys.executable}


def start_and_interrupt(plugin: Path) -> tuple[int, int, str]:
    """Return the port that it printed, its exit code, and its stderr."""
    process = subprocess.Popen(
        [plugin, "127.0.0.1:1"], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        port = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.communicate()
    return int(port), process.returncode, complaints


def start_and_kill_its_parent(plugin: Path) -> str:
    """Return the output until its end after its parent was killed."""
    parent = subprocess.Popen(
        ["sh", "-c", f"'{plugin}' 127.0.0.1:1 & wait"], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE
    )
    first = parent.stdout.readline()
    parent.kill()
    rest, _ = parent.communicate(timeout=SECONDS)
    return first + rest
