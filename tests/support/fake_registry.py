"""A registry with a token service, as strict as distribution v3: digests are checked, and a manifest names
only what is there.

Sources: github.com/opencontainers/distribution-spec v1.1.0 spec.md (end-4a, end-6, end-11); distribution
v3.1.2 registry/handlers/blobupload.go (202 where a mount is not possible), manifests.go
(MANIFEST_BLOB_UNKNOWN).
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

TOKEN = "t0ken"


@dataclass
class FakeRegistry:
    user: str = ""
    password: str = ""
    host: str = ""
    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)
    manifests: dict[str, dict[str, tuple[bytes, str]]] = field(default_factory=dict)
    uploaded: int = 0
    downloaded: int = 0
    mounted: int = 0

    def login(self, folder: Path) -> None:
        auth = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {self.host: {"auth": auth}}}))

    def load(self, repository: str, tag: str, layout: Path) -> None:
        """Put an image of a layout into a repository."""
        blobs = self.blobs.setdefault(repository, {})
        for path in (layout / "blobs/sha256").iterdir():
            blobs[f"sha256:{path.name}"] = path.read_bytes()
        described = json.loads((layout / "index.json").read_text())["manifests"][0]
        self.put(repository, tag, blobs[described["digest"]], described["mediaType"])

    def index(self, repository: str, tag: str, tags: tuple[str, ...]) -> None:
        found = [self.manifests[repository][one] for one in tags]
        described = [
            {"mediaType": kind, "digest": sha(data), "size": len(data), "platform": {"os": "windows"}}
            for data, kind in found
        ]
        kind = "application/vnd.oci.image.index.v1+json"
        self.put(
            repository,
            tag,
            json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": described}).encode(),
            kind,
        )

    def put(self, repository: str, at: str, data: bytes, media_type: str) -> bool:
        """Store a manifest whose parts are there."""
        document = json.loads(data)
        known = self.manifests.setdefault(repository, {})
        parts = [document.get("config"), *document.get("layers", [])]
        there = all(
            part is None or part.get("urls") or part["digest"] in self.blobs.get(repository, {})
            for part in parts
        )
        there = there and all(one["digest"] in known for one in document.get("manifests", []))
        if there:
            known[at] = known[sha(data)] = (data, media_type)
        return there


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@contextmanager
def serving(user: str = "", password: str = "") -> Iterator[FakeRegistry]:
    fake = FakeRegistry(user, password)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"fake": fake}))
    fake.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    fake: FakeRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        """The test's output is not the server's."""

    def answer(self, code: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_any(self) -> None:
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        length = self.headers.get("Content-Length")
        data = self.rfile.read(int(length)) if length else b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            return self.answer(411)
        if url.path == "/token":
            basic = base64.b64encode(f"{self.fake.user}:{self.fake.password}".encode()).decode()
            good = self.headers.get("Authorization") == f"Basic {basic}"
            return self.answer(200, json.dumps({"token": TOKEN}).encode()) if good else self.answer(401)
        if self.fake.user and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(
                401, WWW_Authenticate=f'Bearer realm="http://{self.fake.host}/token",service="fake"'
            )
        repository, _, rest = (
            url.path.removeprefix("/v2/")
            .replace("/manifests/", "\0manifests/")
            .replace("/blobs/", "\0blobs/")
            .partition("\0")
        )
        kind, _, at = rest.partition("/")
        if kind == "manifests":
            return self._manifest(repository, at, data)
        return self._blob(repository, at, query, data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def _manifest(self, repository: str, at: str, data: bytes) -> None:
        if self.command == "PUT":
            return self.answer(
                201 if self.fake.put(repository, at, data, self.headers["Content-Type"]) else 404
            )
        found = self.fake.manifests.get(repository, {}).get(at)
        if not found or found[1] not in self.headers.get("Accept", ""):
            return self.answer(404)
        self.fake.downloaded += self.command == "GET" and repository != "shop"
        return self.answer(200, found[0], Content_Type=found[1])

    def _blob(self, repository: str, at: str, query: dict[str, str], data: bytes) -> None:
        blobs = self.fake.blobs.setdefault(repository, {})
        if self.command == "POST":
            wanted = query.get("mount", "")
            source = self.fake.blobs.get(query.get("from", ""), {})
            if wanted in source:
                self.fake.mounted += 1
                blobs[wanted] = source[wanted]
                return self.answer(201)
            return self.answer(202, Location=f"/v2/{repository}/blobs/uploads/1?state=x")
        if self.command == "PUT":
            if query["digest"] != sha(data) or query.get("state") != "x":
                return self.answer(400)
            self.fake.uploaded += 1
            blobs[query["digest"]] = data
            return self.answer(201)
        if at not in blobs:
            return self.answer(404)
        self.fake.downloaded += self.command == "GET" and repository != "shop"
        return self.answer(200, blobs[at])
