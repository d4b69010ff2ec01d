"""Where an image goes: a registry, or an OCI layout on disk.

Layers of the base are moved only if nothing else is possible.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError
from . import digests
from .oci import INDEX, NAME, Image, Made, index
from .registry import Progress, Reference, Registry, open_registry

_CHUNK = 1 << 20


def push(made: list[Made], to: Reference, progress: Progress) -> str:
    """Push the images, and their index if there are several; return the digest under the tag."""
    registry = open_registry(to)
    for one in made:
        _base_layers(one.base, registry, progress)
        for name, data in ((one.layer.digest, one.layer.data), (digests.of(one.config), one.config)):
            if not registry.has(name):
                registry.push(name, len(data), lambda data=data: _parts(data), progress)
    if len(made) == 1:
        registry.put_manifest(to.at, made[0].manifest, made[0].media_type)
        return made[0].digest
    for one in made:
        registry.put_manifest(one.digest, one.manifest, one.media_type)
    data, media_type = index(made)
    registry.put_manifest(to.at, data, media_type)
    return digests.of(data)


def _base_layers(base: Image, registry: Registry, progress: Progress) -> None:
    """Foreign layers stay where they are, present ones are left, others mounted; what is left is streamed
    from the base's place.
    """
    source = base.stored.registry
    for layer in base.manifest["layers"]:
        name, size = layer["digest"], int(layer["size"])
        if layer.get("urls") or registry.has(name):
            continue
        if source and source.host == registry.host and registry.mount(name, source.repository):
            continue
        if source:
            registry.push(name, size, lambda name=name: source.stream(name), progress)
        else:
            registry.push(name, size, lambda name=name: _file(base.stored.path(name)), progress)


def _parts(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            yield part


def write_layout(made: list[Made], folder: Path, name: str) -> str:
    """Write an OCI layout with the blobs that are new.

    Layers of a base that is on disk are linked or copied as well.
    """
    if folder.exists() and not (folder / "oci-layout").exists() and any(folder.iterdir()):
        raise UsageError(f"--output {folder}: a folder with other things in it; name a new one")
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for one in made:
        for data in (one.layer.data, one.config, one.manifest):
            (blobs / digests.of(data).partition(":")[2]).write_bytes(data)
        for layer in one.base.manifest["layers"]:
            path = one.base.stored.path(layer["digest"]) if one.base.stored.layout else None
            if path and path.exists():
                shutil.copyfile(path, blobs / layer["digest"].partition(":")[2])
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    described = made[0].described
    if len(made) > 1:
        data, media_type = index(made)
        (blobs / digests.of(data).partition(":")[2]).write_bytes(data)
        described = {"mediaType": media_type, "digest": digests.of(data), "size": len(data)}
    described = {**described, "annotations": {NAME: name}}
    (folder / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]})
    )
    return str(described["digest"])
