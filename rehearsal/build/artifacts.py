"""The artifact mirror: a folder with what the Linux machines download, at <host>/<path> of each URL in the
bill of materials.

The files are the ones built here, so their sums differ from the publishers'. The rehearsal therefore uses a
bill of materials of its own: the product's, with the sums of these files in it. The Windows entries stay as
they are: the mirror has no such files.
"""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rehearsal.build.errors import SuppliesError
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of, link_file

LINUX = "linux/amd64"
NOTE = (
    "Made by the rehearsal: the Linux sums are those of the files that it built itself, not the publishers'."
)
BOM_NAME = "bom.json"
MIRROR_NAME = "mirror"
BOMS = Path(__file__).parents[2] / "bom"

Bom = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A .tar.gz of programs: the folder they stand in and their names."""

    folder: str
    members: tuple[str, ...]


# How each download of the Linux machines is made: an archive, or the program of the same name as it is.
ARCHIVES = {
    "containerd": Archive(folder="bin/", members=("containerd", "containerd-shim-runc-v2", "ctr")),
    "cni-plugins": Archive(folder="./", members=("bridge", "host-local", "loopback", "portmap")),
}


def artifacts_step(store: Store, tools: Mapping[str, Step], versions: Mapping[str, str]) -> Step:
    """`tools` are the steps of the binaries, `versions` what they are built in, both by folder name."""
    needs = [tools[name] for name in ("kubernetes", "containerd", "runc", "cni-plugins")]
    bom_file = BOMS / f"{versions['kubernetes']}.json"
    key = key_of(Path(__file__), bom_file if bom_file.is_file() else "", *(step.entry.name for step in needs))

    def build(folder: Path, _: Run) -> None:
        if not bom_file.is_file():
            raise SuppliesError(
                f"{bom_file} is missing: tools/kubernetes pins a version that has no bill of materials"
            )
        binaries = {path.name: path for step in needs for path in step.entry.iterdir()}
        bom = json.loads(bom_file.read_text())
        if wrong := unlike(bom, versions):
            raise SuppliesError(f"{bom_file.name} names other versions than tools/ pins: {', '.join(wrong)}")
        (folder / BOM_NAME).write_text(
            json.dumps(fill_mirror(folder / MIRROR_NAME, bom, binaries), indent=2) + "\n"
        )

    return Step(
        name="artifact mirror",
        entry=store.entry("artifacts", key),
        build=build,
        needs=tuple(step.name for step in needs),
    )


def unlike(bom: Bom, versions: Mapping[str, str]) -> list[str]:
    """Say which downloads of the bill of materials are not what is built here."""
    built = {name: versions[name] for name in bom[LINUX] if name in versions}
    return [
        f"{name} {bom[LINUX][name]['version']}, not {version}"
        for name, version in built.items()
        if bom[LINUX][name]["version"] != version
    ]


def fill_mirror(mirror: Path, bom: Bom, binaries: Mapping[str, Path]) -> Bom:
    """Put every Linux download in its place; the bill of materials that fits them."""
    linux = {name: _place(mirror, name, entry, binaries) for name, entry in bom[LINUX].items()}
    return {"note": NOTE, **bom, LINUX: linux}


def _place(mirror: Path, name: str, entry: Mapping[str, str], binaries: Mapping[str, Path]) -> dict[str, str]:
    target = mirror / mirrored_path(entry["url"])
    target.parent.mkdir(parents=True, exist_ok=True)
    if archive := ARCHIVES.get(name):
        write_archive(target, archive, binaries)
    elif name in binaries:
        link_file(binaries[name], target)
    else:
        raise SuppliesError(
            f"the bill of materials lists {name} for {LINUX}, which the rehearsal does not build: see "
            f"rehearsal/build/artifacts.py"
        )
    with target.open("rb") as content:
        return {**entry, "sha256": hashlib.file_digest(content, "sha256").hexdigest()}


def mirrored_path(url: str) -> str:
    """https://dl.k8s.io/release/x -> dl.k8s.io/release/x, as `artifactMirror` does it."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def write_archive(target: Path, archive: Archive, binaries: Mapping[str, Path]) -> None:
    """The fastest compression: the file travels over a wire of memory.

    No times in it, so that its sum stays the same.
    """
    with (
        target.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, filename="", mtime=0) as out,
        tarfile.open(fileobj=out, mode="w|", bufsize=1 << 20) as tar,
    ):
        for name in archive.members:
            info = tarfile.TarInfo(archive.folder + name)
            info.mode, info.size = 0o755, binaries[name].stat().st_size
            with binaries[name].open("rb") as content:
                tar.addfile(info, content)
