"""A base image of our own, as an OCI layout: a layer with the folders of IIS, and a configuration like
that of Microsoft's bases.
"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from microcosm.image import descriptors

BUILD = "10.0.17763.8027"
OWN_FOLDER = descriptors.encode(
    descriptors.SYSTEM, descriptors.SYSTEM, [descriptors.Ace(descriptors.USERS, descriptors.FULL)]
)


def write(
    folder: Path, build: str = BUILD, system: str = "windows", label: dict[str, str] | None = None
) -> str:
    """Write the layout; return its reference."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def store(data: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    layer = store(_layer(), "application/vnd.oci.image.layer.v1.tar")
    inner = {
        "Entrypoint": ["C:\\ServiceMonitor.exe", "w3svc"],
        "Env": ["ROSLYN_COMPILER_LOCATION=C:\\Roslyn"],
        "ExposedPorts": {"80/tcp": {}},
    }
    config = {
        "os": system,
        "architecture": "amd64",
        "os.version": build,
        "config": {**inner, "Labels": label or {}},
    }
    config["rootfs"] = {"type": "layers", "diff_ids": [layer["digest"]]}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": store(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [layer],
    }
    described = store(json.dumps(manifest).encode(), str(manifest["mediaType"]))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    return f"oci:{folder}"


def _layer() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("Files", "Files/inetpub", "Files/inetpub/wwwroot"):
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE
            entry.pax_headers = {"MSWINDOWS.rawsd": descriptors.text(OWN_FOLDER)} if name != "Files" else {}
            tar.addfile(entry)
    return data.getvalue()
