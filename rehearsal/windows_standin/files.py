"""Files that nobody else on the machine may read."""

import os
from pathlib import Path


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that was never readable by others, replacing what stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
