"""Write a small base image of Windows as an OCI layout: Microsoft's own cannot be had without the Internet.

It has the folders of IIS and a configuration like that of Microsoft's WCF image, and no file of Windows: the
stand-in of a Windows node runs none.
"""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

_TYPES = "application/vnd.oci.image"
_MANIFEST = f"{_TYPES}.manifest.v1+json"


def write(folder: Path, build: str) -> str:
    """Write the layout for a Windows build such as 10.0.17763.1; return its reference."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def keep(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    layer = keep(_layer(), f"{_TYPES}.layer.v1.tar")
    config = {
        "os": "windows",
        "architecture": "amd64",
        "os.version": build,
        "config": {"Entrypoint": [r"C:\ServiceMonitor.exe", "w3svc"], "ExposedPorts": {"80/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": keep(json.dumps(config).encode(), f"{_TYPES}.config.v1+json"),
        "layers": [layer],
    }
    described = keep(json.dumps(manifest).encode(), _MANIFEST)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    return f"oci:{folder}"


def _layer() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("Files", "Files/inetpub", "Files/inetpub/wwwroot"):
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
    return data.getvalue()
