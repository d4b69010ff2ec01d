"""Write the PowerShell of the product into a folder, as machines get it: python -m tests.windows.product FOLDER."""

import sys
from pathlib import Path

from infra import userdata


def write(folder: Path) -> None:
    """Write node.ps1, the parts that S3 serves as one script, and bootstrap.ps1, start.ps1 as they stand."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node.ps1").write_text(userdata.windows_script())
    root = userdata.SCRIPTS.parent
    (folder / "bootstrap.ps1").write_text((root / "userdata/windows/bootstrap.ps1").read_text())
    (folder / "start.ps1").write_text((root / "workloads/ccauth/start.ps1").read_text())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
