"""A publisher that has what a rehearsal built here, laid out as the real ones lay it out, and a bill of
materials with its sums.
"""

import hashlib
import json
import tarfile
from pathlib import Path

from rehearsal.build.artifacts import BOMS, LINUX, mirrored_path
from rehearsal.build.catalogue import Catalogue
from rehearsal.build.download import Download
from rehearsal.build.publishers import PUBLISHED
from rehearsal.build.toolchain import GoTool, go_tools, windows_tools
from tests.support.publisher import Publisher

WINDOWS = "windows/amd64"
TOOLS = {tool.name: tool for tool in (*go_tools(), *windows_tools())}


def publish(publisher: Publisher, built: Catalogue, folder: Path) -> Path:
    """Put every program into its publisher's file; the folder of the bill of materials that has the sums
    of these files.
    """
    entries = {step.name.removeprefix("build "): step.entry for step in built.steps}
    sums = {}
    for name in PUBLISHED:
        sums |= _tool(publisher, TOOLS[name], entries, folder)
    kubernetes = built.supplies.versions["kubernetes"]
    bom = json.loads((BOMS / f"{kubernetes}.json").read_text())
    for system in (LINUX, WINDOWS):
        for entry in bom[system].values():
            if entry["url"] in sums:
                entry.pop("sha512", None)
                entry["sha256"] = sums[entry["url"]]
    boms = folder / "bom"
    boms.mkdir(exist_ok=True)
    (boms / f"{kubernetes}.json").write_text(json.dumps(bom, indent=2))
    return boms


def _tool(publisher: Publisher, tool: GoTool, entries: dict[str, Path], folder: Path) -> dict[str, str]:
    sums: dict[str, str] = {}
    for file in PUBLISHED[tool.name]:
        wanted = file.of(tool.pinned_version, {})
        # The language host's script is a supply of its own where things are built, and the host itself cannot
        # be had.
        programs = {name: _found(entries, tool.name, name) for name in file.programs}
        if [*file.programs.values()] == [""]:
            (path,) = programs.values()
        else:
            path = folder / wanted.name
            _pack(
                path,
                {
                    file.programs[name].format(version=tool.pinned_version): source
                    for name, source in programs.items()
                },
            )
        publisher.files[mirrored_path(wanted.url)] = path
        sums[wanted.url] = _sha256(path)
        _add_sum(publisher, wanted, sums[wanted.url])
    return sums


def _found(entries: dict[str, Path], tool: str, program: str) -> Path:
    places = (
        entries[tool] / program,
        entries["language host"] / program,
        Path(__file__).parents[2] / "rehearsal/bin" / program,
    )
    return next(place for place in places if place.exists())


def _pack(path: Path, programs: dict[str, Path]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, source in programs.items():
            archive.add(source, name)


def _add_sum(publisher: Publisher, wanted: Download, digest: str) -> None:
    path = mirrored_path(wanted.sums_url)
    before = publisher.files.get(path, b"")
    assert isinstance(before, bytes)
    if "api.github.com" in wanted.sums_url:
        assets = json.loads(before or '{"assets": []}')["assets"]
        publisher.files[path] = json.dumps(
            {"assets": [*assets, {"name": wanted.name, "digest": f"sha256:{digest}"}]}
        ).encode()
    else:
        publisher.files[path] = before + f"{digest}  {wanted.name}\n".encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
