"""Read the open pull requests from a file or from GitHub."""

import shutil
import subprocess
from pathlib import Path

from ..errors import OperatorError, UsageError
from . import model as preview


def read(path: Path | None, github: bool) -> frozenset[int] | None:
    if path:
        try:
            return preview.parse_open(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError(
                f"--open-prs {path} cannot be read ({type(problem).__name__}): name a file that lists the "
                f"open pull requests"
            ) from problem
    return preview.parse_open(_on_github(), "gh") if github else None


def _on_github() -> str:
    if shutil.which("gh") is None:
        raise UsageError("gh is not on PATH: install GitHub's command line, or give --open-prs FILE")
    command = ["gh", "pr", "list", "--state", "open", "--limit", "5000", "--json", "number"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip() or f"exit code {done.returncode}"
        raise OperatorError(f"gh could not list the open pull requests: {reason}; nothing was reaped")
    return done.stdout
