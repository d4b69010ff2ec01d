"""An image as documents: the base that it stands on, and the configuration, manifest and index made from
it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OperatorError, UsageError
from . import bases, digests, registry
from .layer import Layer
from .registry import DOCKER_LIST, DOCKER_MANIFEST, INDEX, MANIFEST, Registry

_LAYER = {
    MANIFEST: "application/vnd.oci.image.layer.v1.tar+gzip",
    DOCKER_MANIFEST: "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
_LIST = {MANIFEST: INDEX, DOCKER_MANIFEST: DOCKER_LIST}
LABEL = "dev.microcosm.image"
# Where a layout keeps the name that an image is meant to have.
NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Stored:
    """Where a base or an image is: a registry, or an OCI layout on disk (`oci:FOLDER`)."""

    name: str
    registry: Registry | None = None
    layout: Path | None = None
    at: str = ""

    def manifest(self, at: str = "") -> tuple[dict[str, Any], bytes, str]:
        if self.registry:
            return self.registry.manifest(at or self.at)
        if not at:
            index = json.loads((self._folder / "index.json").read_text())
            if len(index["manifests"]) != 1:
                return index, json.dumps(index).encode(), INDEX
            at = index["manifests"][0]["digest"]
        data = self.blob(at)
        document = json.loads(data)
        return document, data, document.get("mediaType", MANIFEST)

    def blob(self, digest: str) -> bytes:
        if self.registry:
            return self.registry.blob(digest)
        return self.path(digest).read_bytes()

    @property
    def pinned(self) -> str:
        """The name with the digest, as a manifest wants it; of a layout the name that it is meant to have."""
        if self.registry:
            return (
                f"{self.registry.host}/{self.registry.repository}{self._tag}@{digests.of(self.manifest()[1])}"
            )
        (described,) = json.loads((self._folder / "index.json").read_text())["manifests"]
        return f"{described.get('annotations', {}).get(NAME, self.name)}@{described['digest']}"

    @property
    def _tag(self) -> str:
        return "" if self.at.startswith("sha256:") else f":{self.at}"

    def path(self, digest: str) -> Path:
        return self._folder / "blobs" / digest.replace(":", "/")

    @property
    def _folder(self) -> Path:
        return self.layout or Path()


def find(reference: str) -> Stored:
    """Find an image by its reference, or `oci:FOLDER`."""
    if reference.startswith("oci:"):
        folder = Path(reference[4:])
        if not (folder / "index.json").exists():
            raise UsageError(f"{reference}: no OCI layout is there (index.json is missing)")
        return Stored(reference, layout=folder)
    parsed = registry.parse(reference)
    return Stored(str(parsed), registry.open_registry(parsed), at=parsed.at)


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image for one Windows build: manifest and configuration as documents, and where they were read."""

    stored: Stored
    digest: str
    media_type: str
    manifest: dict[str, Any]
    config: dict[str, Any]

    @property
    def build(self) -> str:
        return str(self.config.get("os.version", ""))

    @property
    def size(self) -> int:
        return sum(int(layer["size"]) for layer in self.manifest["layers"])


def images(stored: Stored) -> list[Image]:
    """Read all images of a reference: one, or those of an index."""
    document, data, media_type = stored.manifest()
    if media_type in (INDEX, DOCKER_LIST):
        return [
            _image(stored, *stored.manifest(one["digest"]))
            for one in document["manifests"]
            if _is_windows(one)
        ]
    return [_image(stored, document, data, media_type)]


def _is_windows(described: Mapping[str, Any]) -> bool:
    return described.get("platform", {}).get("os", "windows") == "windows"


def _image(stored: Stored, manifest: dict[str, Any], data: bytes, media_type: str) -> Image:
    if "config" not in manifest or "layers" not in manifest:
        raise OperatorError(
            f"{stored.name}: its manifest is of an old kind ({media_type}); push it again with a newer tool"
        )
    config = json.loads(stored.blob(manifest["config"]["digest"]))
    return Image(
        stored=stored, digest=digests.of(data), media_type=media_type, manifest=manifest, config=config
    )


def base_for(stored: Stored, release: str) -> Image:
    """Choose the image of a base for a Windows Server, and refuse a base of another system or build."""
    found = images(stored)
    fitting = [
        one for one in found if one.config.get("os") == "windows" and bases.release_of(one.build) == release
    ]
    if fitting:
        return fitting[0]
    has = (
        ", ".join(sorted(f"{one.config.get('os', '?')} {one.build}".strip() for one in found))
        or "nothing for Windows"
    )
    raise UsageError(
        f"{stored.name}: it is no base for Windows Server {release} ({bases.build(release)}): it has {has}; "
        f"give another --base or --windows"
    )


@dataclass(frozen=True, kw_only=True)
class Made:
    """An image that was made: its documents as bytes, and its base."""

    base: Image
    layer: Layer
    config: bytes
    manifest: bytes

    @property
    def digest(self) -> str:
        return digests.of(self.manifest)

    @property
    def media_type(self) -> str:
        return self.base.media_type

    @property
    def described(self) -> dict[str, Any]:
        platform = {"architecture": "amd64", "os": "windows", "os.version": self.base.build}
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.manifest),
            "platform": platform,
        }


def make(
    base: Image,
    layer: Layer,
    *,
    entrypoint: list[str],
    variables: Mapping[str, str],
    ports: list[int],
    label: dict[str, Any],
) -> Made:
    """Put a layer on a base.

    Nothing depends on the time of the build: the same input gives the same digest.
    """
    config = json.loads(json.dumps(base.config))
    inner = config.setdefault("config", {})
    given = {one.partition("=")[0].upper() for one in (f"{name}=" for name in variables)}
    kept = [one for one in inner.get("Env") or [] if one.partition("=")[0].upper() not in given]
    labels = {**(inner.get("Labels") or {}), LABEL: json.dumps(label, sort_keys=True)}
    exposed = {**(inner.get("ExposedPorts") or {}), **{f"{port}/tcp": {} for port in ports}}
    inner.update(
        {
            "Entrypoint": entrypoint,
            "Env": [*kept, *(f"{name}={variables[name]}" for name in sorted(variables))],
            "Labels": labels,
        }
    )
    inner.pop("Cmd", None)
    inner.pop("ArgsEscaped", None)
    if exposed:
        inner["ExposedPorts"] = exposed
    config["rootfs"]["diff_ids"] = [*config["rootfs"]["diff_ids"], layer.diff_id]
    config["history"] = [*(config.get("history") or []), {"created_by": "microcosm image build"}]
    config["created"] = "1970-01-01T00:00:00Z"
    data = _bytes(config)
    described = {
        "mediaType": _LAYER.get(base.media_type, _LAYER[MANIFEST]),
        "digest": layer.digest,
        "size": layer.size,
    }
    manifest = {
        **{name: value for name, value in base.manifest.items() if name != "annotations"},
        "config": {
            "mediaType": base.manifest["config"]["mediaType"],
            "digest": digests.of(data),
            "size": len(data),
        },
        "layers": [*base.manifest["layers"], described],
    }
    if base.media_type == MANIFEST:
        manifest["annotations"] = {
            "org.opencontainers.image.base.digest": base.digest,
            "org.opencontainers.image.base.name": base.stored.name,
        }
    return Made(base=base, layer=layer, config=data, manifest=_bytes(manifest))


def index(made: list[Made]) -> tuple[bytes, str]:
    """Return the index of several images, in the form of their base."""
    media_type = _LIST.get(made[0].media_type, INDEX)
    described = sorted((one.described for one in made), key=lambda one: one["platform"]["os.version"])
    return _bytes({"schemaVersion": 2, "mediaType": media_type, "manifests": described}), media_type


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
