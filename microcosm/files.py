"""Write files in one step."""

import os
import tempfile
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Replace a file with mode 0600; readers see the old or the new content. Symbolic links are followed.

    OSError if the file cannot be written; then no draft remains.
    """
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    # tempfile creates the draft with mode 0600, so that others never read a key in it.
    with tempfile.NamedTemporaryFile(
        "w", dir=place.parent, prefix=f".{place.name}.", delete=False, encoding="utf-8"
    ) as draft:
        try:
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
            os.replace(draft.name, place)
        except OSError:
            Path(draft.name).unlink(missing_ok=True)
            raise
