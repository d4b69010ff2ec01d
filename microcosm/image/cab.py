"""Files of a cabinet. Library cabarchive knows MSZIP; LZX, which no well-kept library knows, is left to
libarchive's tar.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import cabarchive

from ..errors import OperatorError

# Windows and macOS have libarchive's tar as `tar` or `bsdtar`; on Debian it is the package libarchive-tools.
_PROGRAMS = ("bsdtar", "tar")


def files(data: bytes, name: str) -> dict[str, bytes]:
    """Return the files of a cabinet by name."""
    try:
        return {key: bytes(file.buf or b"") for key, file in cabarchive.CabArchive(data).items()}
    except cabarchive.NotSupportedError as problem:
        return _unpacked(data, name, str(problem))
    except (cabarchive.CorruptionError, ValueError, KeyError, IndexError) as problem:
        raise OperatorError(
            f"{name}: the cabinet is damaged ({problem}); copy or build the MSI again"
        ) from problem


def _unpacked(data: bytes, name: str, problem: str) -> dict[str, bytes]:
    for program in _PROGRAMS:
        path = shutil.which(program)
        version = (
            subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            if path
            else ""
        )
        if path and "libarchive" in version:
            return _by_tar(path, data, name)
    raise OperatorError(
        f"{name}: {problem}, and no libarchive is here to read it; install bsdtar (Debian: "
        f"libarchive-tools), "
        "or unpack the MSI with `msiexec /a` and hand over the folder"
    )


def _by_tar(program: str, data: bytes, name: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        cabinet, inside = Path(folder, "data.cab"), Path(folder, "files")
        cabinet.write_bytes(data)
        inside.mkdir()
        done = subprocess.run(
            [program, "-xf", str(cabinet), "-C", str(inside)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OperatorError(
                f"{name}: {program} cannot read the cabinet: {done.stderr.strip().splitlines()[-1:]}"
            )
        return {
            path.relative_to(inside).as_posix(): path.read_bytes()
            for path in inside.rglob("*")
            if path.is_file()
        }
