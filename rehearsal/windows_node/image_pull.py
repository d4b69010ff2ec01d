"""Pull a Windows image from its registry and unpack it, as containerd does before it starts a container.

A layer is applied over the ones below it: `Files/` is drive C:, and `.wh.NAME` removes NAME (moby/buildkit
73ed682, util/winlayers/applier.go). Registry hives and security descriptors are left out: no Windows is here
to read them.
"""

import base64
import hashlib
import io
import json
import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import urllib3
from urllib3.exceptions import HTTPError

from rehearsal.windows_node.api import Json
from rehearsal.windows_node.errors import StandinError

_REFERENCE = re.compile(
    r"(?P<host>[^/]+)/(?P<repository>[^:@]+)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
)
_ACCEPT = ", ".join(
    f"application/vnd.{kind}+json" for kind in ("oci.image.manifest.v1", "docker.distribution.manifest.v2")
)
_WHITEOUT = ".wh."


class PullError(StandinError):
    """The image could not be pulled; kubelet reports ErrImagePull."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """An image on this node: its configuration, and the folder that is its drive C:."""

    digest: str
    config: Json
    drive: Path


class Puller:
    """One repository of a registry, with the login of a pull secret."""

    def __init__(self, reference: str, login: str) -> None:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise PullError(f"{reference} is no image; accepted is HOST/REPOSITORY:TAG@DIGEST")
        self._name = reference
        self._base = f"http://{match['host']}/v2/{match['repository']}"
        self._at = match["digest"] or match["tag"] or "latest"
        self._digest = match["digest"] or ""
        self._headers = {"Authorization": f"Basic {login}"} if login else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=60))

    def pull(self, folder: Path) -> Pulled:
        """Download the image into a new folder, each part checked against its digest."""
        data = self._get(f"manifests/{self._at}", self._digest, Accept=_ACCEPT)
        manifest = json.loads(data)
        config: Json = json.loads(self._blob(manifest["config"]["digest"]))
        if config.get("os") != "windows":
            raise PullError(f"{self._name} is for {config.get('os')}, not for windows")
        shutil.rmtree(folder, ignore_errors=True)
        for layer in manifest["layers"]:
            _apply(self._blob(layer["digest"]), folder)
        return Pulled(digest=_digest(data), config=config, drive=folder)

    def _blob(self, digest: str) -> bytes:
        return self._get(f"blobs/{digest}", digest)

    def _get(self, path: str, digest: str, **headers: str) -> bytes:
        try:
            answer = self._pool.request("GET", f"{self._base}/{path}", headers=self._headers | headers)
        except HTTPError as error:
            raise PullError(f"{self._name}: the registry cannot be reached: {error}") from error
        if answer.status != 200:
            raise PullError(f"{self._name}: the registry answers {answer.status} to {path}")
        if digest and _digest(answer.data) != digest:
            raise PullError(f"{self._name}: the registry sent other bytes than those of {digest}")
        return answer.data


def login_of(docker_config: str, reference: str) -> str:
    """Return the login of a reference, user:password in base64, out of a dockerconfigjson Secret's text."""
    entry = json.loads(docker_config).get("auths", {}).get(reference.partition("/")[0], {})
    if entry.get("auth"):
        return str(entry["auth"])
    user, password = entry.get("username"), entry.get("password")
    return base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _apply(layer: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for entry in tar:
            path = PurePosixPath(entry.name)
            if path.parts[:1] != ("Files",) or ".." in path.parts:
                continue
            target = folder.joinpath(*path.parts[1:])
            if path.name.startswith(_WHITEOUT):
                _remove(target.with_name(path.name.removeprefix(_WHITEOUT)))
            elif entry.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif content := tar.extractfile(entry):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
