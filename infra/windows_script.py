"""The script of a Windows node: the parts in userdata/windows/ joined to the one file that bootstrap.ps1 fetches and runs. Pure."""

import hashlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "userdata" / "windows"
# The last part walks the table of phases, so everything it names stands before it.
PARTS = ("common.ps1", "plan.ps1", "host.ps1", "kubernetes.ps1", "network.ps1", "worker.ps1")


def text() -> str:
    """The whole script."""
    return "\n".join((FOLDER / part).read_text() for part in PARTS)


def sha256() -> str:
    """What bootstrap.ps1 checks before it runs the script, and part of its object's key."""
    return hashlib.sha256(text().encode()).hexdigest()
