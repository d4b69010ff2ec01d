"""A Wine prefix: the folder that is a Windows machine's C: drive and registry to the real Windows binaries
that run on it.

It is Wine, not Windows. Made once and copied for each use: Wine's own DLLs are links into Debian's package,
so that a copy is a few megabytes. There is no drive Z:, through which Wine otherwise shows the host's whole
file system.

    wine/*.c           two DLLs that Wine 8 lacks or has empty, compiled here
    wine/windows.reg   what kubelet.exe reads of the system, and which of Wine's parts are left out
"""

import filecmp
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of, remove_tree

SOURCES = Path(__file__).parent / "wine"
DRIVE = "drive_c"
SYSTEM = "drive_c/windows/system32"
_BUILTIN = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows")
_COMPILER = ("x86_64-w64-mingw32-gcc", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-shared", "-s")
_LIBRARIES = {"bcryptprimitives": ("-ladvapi32",), "pdh": ()}
# Before windows.reg is in it: without these Wine asks for downloads, and writes menus into the desktop.
_FIRST_START = {"WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe="}


def environment(prefix: Path) -> dict[str, str]:
    """Wine's environment: there is no display, and nothing is written below the
    caller's home.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY") and not name.startswith("WINE")
    }
    return inherited | {
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "HOME": str(prefix),
    }


def prefix_step(store: Store) -> Step:
    key = key_of(SOURCES, Path(__file__), _wine_version())

    def build(folder: Path, run: Run) -> None:
        _compile(folder, run)
        _start(folder, run)
        link_builtin(folder / DRIVE)
        shut_in(folder)

    return Step(name="wine prefix", entry=store.entry("wine-prefix", key), build=build)


def _wine_version() -> str:
    """A prefix is brought up to date, slowly, at the first use by another Wine.

    Empty where there is none: then nothing is made.
    """
    query = ("dpkg-query", "--show", "--showformat=${Version}", "wine64")
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout


def _compile(folder: Path, run: Run) -> None:
    system = folder / SYSTEM
    system.mkdir(parents=True)
    for name, libraries in _LIBRARIES.items():
        run([*_COMPILER, "-o", system / f"{name}.dll", SOURCES / f"{name}.c", *libraries])


def _start(folder: Path, run: Run) -> None:
    """Fill the prefix. The DLLs that are there already stay: Wine replaces only what is its own."""
    settings = environment(folder) | _FIRST_START
    run(["wine", "wineboot", "--init"], env=settings)
    run(["wine", "regedit", "/S", SOURCES / "windows.reg"], env=settings)
    run(["wineserver", "--wait"], env=settings)


def link_builtin(folder: Path, builtin: Path = _BUILTIN) -> None:
    """Links in place of copies of Wine's DLLs, which are nearly all of a prefix's 700 MB."""
    for path in _files(folder):
        original = builtin / path.name
        if original.is_file() and filecmp.cmp(path, original, shallow=False):
            path.unlink()
            path.symlink_to(original)


def shut_in(folder: Path) -> None:
    """Take away the ways out of the prefix: drives and serial ports of the host, and the caller's home."""
    for device in (folder / "dosdevices").iterdir():
        if device.name != "c:":
            device.unlink()
    for path in (folder / DRIVE / "users").rglob("*"):
        if path.is_symlink():
            path.unlink()
    (folder / DRIVE / "users/root/Temp").mkdir(parents=True, exist_ok=True)


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def copy(prefix: Path, target: Path) -> None:
    """A prefix of one's own, to write into."""
    remove_tree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--archive", "--no-target-directory", str(prefix), str(target)], check=True)
