"""Reading of SOURCE: a published folder, a zip of it, a msdeploy package or an MSI.

Anything else is refused with what to hand over.
"""

import os
import re
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UsageError
from . import package, source_refusals
from .msi import Package
from .msi_tables import Database
from .tree import File, Tree, parents

ACCEPTED = "a published folder, a .zip of it, a msdeploy package or an .msi"
_OLE, _ZIP, _PE, _CAB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK", b"MZ", b"MSCF"
_PARTS = {".msm": "a merge module", ".msp": "a patch", ".mst": "a transform"}
# Left by the zip of macOS; nothing of the service.
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$)")
_NUGET = re.compile(r"^(\[Content_Types\]\.xml|_rels/.*|package/.*|[^/]+\.nuspec)$", re.IGNORECASE)
# A published service has a few thousand files; a folder of a hundred thousand is not one.
MOST_FILES = 100_000
# A layer is made in memory.
MOST_BYTES = 2 << 30


@dataclass(frozen=True)
class Source:
    """The source as it was read. `tree` holds the files, of an MSI by their paths below C:."""

    form: str
    name: str
    tree: Tree
    msi: Package | None = None
    unfilled: tuple[package.Unfilled, ...] = ()
    providers: tuple[str, ...] = ()
    # Folders without a file: the service writes to them. Those of an MSI are below C:, others below the tree.
    empty: tuple[str, ...] = ()


def read(
    path: Path, parameters: Mapping[str, str] | None = None, properties: Mapping[str, str] | None = None
) -> Source:
    """Read SOURCE; `parameters` are those of a msdeploy package, `properties` those of an MSI."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder; SOURCE is {ACCEPTED}")
    source = _folder(path) if path.is_dir() else _file(path, parameters or {}, properties or {})
    if not source.tree.files:
        raise UsageError(f"{path}: there are no files in it; SOURCE is {ACCEPTED}")
    if source.tree.size > MOST_BYTES:
        raise UsageError(
            f"{path}: its files have more than {MOST_BYTES >> 30} GB; keep data in a volume and hand over "
            f"the service alone"
        )
    if source.form != "msi":
        source_refusals.of_tree(path, source.tree)
    if parameters and source.form != "msdeploy":
        raise UsageError(f"--parameters belongs to a msdeploy package, and {path} is a {source.form}")
    if properties and source.form != "msi":
        raise UsageError(f"--property belongs to an MSI, and {path} is a {source.form}")
    return source


def replaced(source: Source, path: str, file: Path) -> Source:
    """Put another file in the place of one; of an MSI a path below the service's folder is enough."""
    wanted = path.replace("\\", "/").strip("/").lower()
    found = sorted(
        (one for one in source.tree if f"/{one.lower()}".endswith(f"/{wanted}")),
        key=lambda one: (one.count("/"), one),
    )
    exact = source.tree.find(wanted) or (found[0] if found and source.msi else None)
    if exact is None:
        raise UsageError(
            f"--replace {path}: {source.name} has no such file; give the path of one of its files"
        )
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise UsageError(f"--replace {path}={file}: cannot be read ({problem.strerror})") from problem
    return replace(source, tree=source.tree.replaced({exact: data}))


def _file(path: Path, parameters: Mapping[str, str], properties: Mapping[str, str]) -> Source:
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == _OLE and path.suffix.lower() in _PARTS:
        raise UsageError(
            f"{path}: {_PARTS[path.suffix.lower()]} is no installation; hand over the .msi that it belongs to"
        )
    if magic == _OLE:
        msi = Package(Database(path.read_bytes(), path.name), properties, path.resolve().parent)
        return Source("msi", path.name, msi.tree(), msi, empty=msi.empty_folders())
    if magic.startswith(_ZIP):
        return _zip(path, parameters)
    if magic.startswith(_PE):
        raise UsageError(f"{path}: {source_refusals.of_program(path)}")
    if path.suffix.lower() in (".config", ".svc", ".aspx", ".asmx", ".dll", ".cshtml"):
        raise UsageError(f"{path}: one file of a service; hand over the folder that holds it")
    if magic.startswith(_CAB):
        raise UsageError(
            f"{path}: a cabinet is a part of an installation; hand over the .msi that names it, and keep "
            f"both in one folder"
        )
    raise UsageError(
        f"{path}: neither a folder, a .zip nor an .msi; unpack it and hand over the folder (SOURCE is "
        f"{ACCEPTED})"
    )


def _folder(path: Path) -> Source:
    files: dict[str, File] = {}
    root, folders = path.resolve(), list[str]()
    for folder, _, names in os.walk(path, followlinks=False):
        folders.append(Path(folder).relative_to(path).as_posix())
        for name in sorted(names):
            file = Path(folder, name)
            if not file.resolve().is_relative_to(root):
                raise UsageError(f"{file}: a link that leads out of the folder; put the file itself there")
            if not file.is_file():
                raise UsageError(
                    f"{file}: neither a file nor a folder (a dead link, a socket or a device); remove it"
                )
            files[file.relative_to(path).as_posix()] = File(file.stat().st_size, file.read_bytes)
        linked = [sub for sub in Path(folder).iterdir() if sub.is_symlink() and sub.is_dir()]
        if linked:
            raise UsageError(f"{linked[0]}: a link to a folder; put the folder itself there")
        if len(files) > MOST_FILES:
            raise UsageError(f"{path}: more than {MOST_FILES} files; hand over the published folder alone")
    return _unwrapped("folder", root.name, Tree(files), folders)


def _zip(path: Path, parameters: Mapping[str, str]) -> Source:
    try:
        archive = zipfile.ZipFile(path)
        infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError) as problem:
        raise UsageError(f"{path}: the zip is damaged ({problem}); make it again") from problem
    files: dict[str, File] = {}
    for info in infos:
        name = info.filename.replace("\\", "/")
        if info.flag_bits & 1:
            raise UsageError(f"{path}: {name} is encrypted; make the zip without a password")
        if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
            raise UsageError(
                f"{path}: {name} leads out of the zip; make the zip again with plain relative names"
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UsageError(f"{path}: {name} is a link; put the file itself into the zip")
        if _LITTER.search(name):
            continue
        if name in files:
            raise UsageError(f"{path}: {name} is in it twice; make the zip again")
        files[name] = File(info.file_size, _member(archive, info, path))
    if len(files) > MOST_FILES:
        raise UsageError(f"{path}: more than {MOST_FILES} files; zip the published folder alone")
    tree = _without_nuget(Tree(files))
    if package.is_package(tree):
        content, unfilled = package.content(tree, parameters, path.name)
        return Source(
            "msdeploy", path.name, content, unfilled=unfilled, providers=package.providers(tree, path.name)
        )
    folders = [info.filename.replace("\\", "/").rstrip("/") for info in archive.infolist() if info.is_dir()]
    return _unwrapped(
        "zip", path.name, tree, [folder for folder in folders if not _LITTER.search(f"{folder}/")]
    )


def _without_nuget(tree: Tree) -> Tree:
    """Return what a NuGet package carries, as Octopus packs sites: its own files are those of the
    packaging alone.
    """
    if "[Content_Types].xml" not in tree or not any(name.lower().endswith(".nuspec") for name in tree.top()):
        return tree
    return Tree({name: file for name, file in tree.files.items() if not _NUGET.search(name)})


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path):  # noqa: ANN202 - as File wants it
    def read_member() -> bytes:
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as problem:
            raise UsageError(
                f"{path}: {info.filename} cannot be read ({problem}); make the zip again"
            ) from problem

    return read_member


def _unwrapped(form: str, name: str, tree: Tree, folders: Sequence[str]) -> Source:
    """Make the source of a tree and of all its folders, without those around it."""
    inner = _inner(tree)
    prefix = next(iter(tree), "").removesuffix(next(iter(inner), ""))
    full = {parent for path in tree for parent in parents(path)}
    last = [
        one
        for one in folders
        if one != "." and one not in full and not any(other.startswith(f"{one}/") for other in folders)
    ]
    return Source(
        form,
        name,
        inner,
        empty=tuple(sorted(one.removeprefix(prefix) for one in last if one.startswith(prefix))),
    )


def _inner(tree: Tree) -> Tree:
    """Return the tree without the folders around it: a zip of a folder, or of a build's output, has
    everything in one.
    """
    tops = {name.partition("/")[0] for name in tree}
    if len(tops) != 1 or not all("/" in name for name in tree):
        return tree
    (top,) = tops
    return tree if top.lower() in ("bin", "app_code", "app_data") else _inner(tree.below(top))
