"""A read-only container registry over an OCI image layout: the pull half of
github.com/opencontainers/distribution-spec v1.1.

`crane registry serve --disk` keeps blobs but forgets the manifests when it ends (go-containerregistry
v0.22.1, pkg/registry); this serves what is in the folder from the first moment. The registry's host is not
part of the name: registry.k8s.io/pause and docker.io/pause are the same image here, as in any mirror that
takes every pull.

    python -m rehearsal.build.registry FOLDER ADDRESS PORT
"""

import json
import logging
import os
import re
import socket
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rehearsal.build.oci import MANIFEST_TYPE, NAME_ANNOTATION

_log = logging.getLogger(__name__)
_MANIFEST = re.compile(r"/v2/(?P<name>[a-z0-9./_-]+)/manifests/(?P<reference>[\w.:-]+)")
_BLOB = re.compile(r"/v2/[a-z0-9./_-]+/blobs/sha256:(?P<digest>[0-9a-f]{64})")
_TAGS = re.compile(r"/v2/(?P<name>[a-z0-9./_-]+)/tags/list")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def repository_of(reference: str) -> str:
    """registry.k8s.io/coredns/coredns:v1.13.1 -> coredns/coredns:v1.13.1"""
    return reference.partition("/")[2]


def tags(layout: Path) -> dict[str, str]:
    """Every `name:tag` of the layout and the digest of its manifest."""
    index = json.loads((layout / "index.json").read_text())
    return {
        repository_of(entry["annotations"][NAME_ANNOTATION]): entry["digest"] for entry in index["manifests"]
    }


class Registry(ThreadingHTTPServer):
    """Serves one layout until it is shut down."""

    daemon_threads = True
    # A cluster that starts asks for everything at once.
    request_queue_size = 128

    def __init__(self, layout: Path, address: tuple[str, int]) -> None:
        self.blobs = layout / "blobs" / "sha256"
        self.tags = tags(layout)
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Registry  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/v2/":
            self._answer(HTTPStatus.OK, b"{}")
        elif match := _MANIFEST.fullmatch(path):
            digest = self._resolve(match["name"], match["reference"])
            self._file(digest.removeprefix("sha256:"), MANIFEST_TYPE, {"Docker-Content-Digest": digest})
        elif match := _BLOB.fullmatch(path):
            self._file(match["digest"], "application/octet-stream", {})
        elif match := _TAGS.fullmatch(path):
            names = [
                tag.rpartition(":")[2] for tag in self.server.tags if tag.rpartition(":")[0] == match["name"]
            ]
            self._answer(HTTPStatus.OK, json.dumps({"name": match["name"], "tags": names}).encode())
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "UNSUPPORTED")

    def _resolve(self, name: str, reference: str) -> str:
        return reference if _DIGEST.fullmatch(reference) else self.server.tags.get(f"{name}:{reference}", "")

    def _file(self, digest: str, media_type: str, headers: Mapping[str, str]) -> None:
        path = self.server.blobs / digest
        if not digest or not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN" if headers else "BLOB_UNKNOWN")
            return
        with path.open("rb") as blob:
            size = os.fstat(blob.fileno()).st_size
            self._head(HTTPStatus.OK, media_type, size, headers)
            if self.command == "GET":
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connection.sendfile(blob)

    def _head(self, status: HTTPStatus, media_type: str, size: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(size), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self._head(status, "application/json", len(body), {})
        if self.command == "GET":
            self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        self._answer(status, json.dumps({"errors": [{"code": code, "message": self.path}]}).encode())


def main() -> None:
    folder, address, port = sys.argv[1:]
    with Registry(Path(folder), (address, int(port))) as registry:
        print(f"{len(registry.tags)} images at http://{address}:{registry.server_port}", flush=True)
        registry.serve_forever()


if __name__ == "__main__":
    main()
