"""The few calls of a registry that a push needs: github.com/opencontainers/distribution-spec v1.1, and
docker's token service.
"""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

from ..errors import OperatorError, UsageError
from . import credentials, digests

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_ACCEPT = ", ".join((INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))
_REFERENCE = re.compile(
    r"(?P<path>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f"
    r"]{64}))?"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_CHUNK = 1 << 20
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Reference:
    """`host/repository:tag@digest` in its parts."""

    host: str
    repository: str
    tag: str
    digest: str

    @property
    def at(self) -> str:
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


def parse(reference: str) -> Reference:
    """Take a reference apart as docker does: what has a dot, a port or is localhost before the first slash
    is a host.
    """
    first, slash, rest = reference.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, rest) if has_host else ("docker.io", reference if slash else f"library/{reference}")
    match = _REFERENCE.fullmatch(path)
    if not match:
        raise UsageError(
            f"{reference}: not the name of an image; write it as REGISTRY/NAME:TAG, in small letters"
        )
    return Reference(
        host, match["path"], match["tag"] or ("" if match["digest"] else "latest"), match["digest"] or ""
    )


class _Body:
    """A request's body of known length: many registries refuse one in chunks, which requests makes of an
    iterator.
    """

    def __init__(self, parts: Iterator[bytes], size: int, progress: Progress) -> None:
        self._parts, self._size, self._progress, self._rest = parts, size, progress, b""

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(_CHUNK), b"")

    def read(self, count: int = -1) -> bytes:
        while count < 0 or len(self._rest) < count:
            part = next(self._parts, b"")
            if not part:
                break
            self._rest += part
        count = len(self._rest) if count < 0 else count
        sent, self._rest = self._rest[:count], self._rest[count:]
        self._progress(len(sent))
        return sent


@dataclass
class Registry:
    """A repository of a registry, with the token that it asked for."""

    host: str
    repository: str
    session: requests.Session = field(default_factory=requests.Session)
    _authorization: str = ""

    @property
    def _base(self) -> str:
        plain = self.host.partition(":")[0] in ("localhost", "127.0.0.1")
        host = "registry-1.docker.io" if self.host == "docker.io" else self.host
        return f"{'http' if plain else 'https'}://{host}"

    def manifest(self, at: str) -> tuple[dict[str, Any], bytes, str]:
        """Return a manifest or index: parsed, as bytes, and its media type."""
        answer = self._call(
            "GET", f"/v2/{self.repository}/manifests/{at}", headers={"Accept": _ACCEPT}, good=(200,)
        )
        return answer.json(), answer.content, answer.headers.get("Content-Type", "").partition(";")[0]

    def blob(self, digest: str) -> bytes:
        """Return a small blob, checked against its digest."""
        data = self._call("GET", f"/v2/{self.repository}/blobs/{digest}", good=(200,)).content
        if digests.of(data) != digest:
            raise OperatorError(
                f"{self.host}/{self.repository}: the registry sent other bytes than those of {digest}; try "
                f"again"
            )
        return data

    def has(self, digest: str) -> bool:
        return self._call("HEAD", f"/v2/{self.repository}/blobs/{digest}", good=(200, 404)).status_code == 200

    def mount(self, digest: str, other: str) -> bool:
        """Take a blob over from another repository of the same registry, without sending it."""
        answer = self._call(
            "POST",
            f"/v2/{self.repository}/blobs/uploads/?mount={digest}&from={other}",
            good=(201, 202),
            other=other,
        )
        if answer.status_code == 202 and answer.headers.get("Location"):
            # The registry began an upload instead; without an end it would be kept for a week.
            self._call("DELETE", answer.headers["Location"], good=(200, 202, 204, 404, 405))
        return answer.status_code == 201

    def push(self, digest: str, size: int, parts: Callable[[], Iterator[bytes]], progress: Progress) -> None:
        """Send a blob in one request; `parts` are called again where the registry asks for a token first."""
        place = self._call("POST", f"/v2/{self.repository}/blobs/uploads/", good=(202,)).headers["Location"]

        joint = "&" if "?" in place else "?"
        headers = {"Content-Type": "application/octet-stream"}
        self._call(
            "PUT",
            f"{place}{joint}digest={digest}",
            headers=headers,
            data=lambda: _Body(parts(), size, progress),
            good=(201,),
        )

    def put_manifest(self, at: str, data: bytes, media_type: str) -> None:
        self._call(
            "PUT",
            f"/v2/{self.repository}/manifests/{at}",
            headers={"Content-Type": media_type},
            data=lambda: data,
            good=(201,),
        )

    def stream(self, digest: str) -> Iterator[bytes]:
        answer = self._call("GET", f"/v2/{self.repository}/blobs/{digest}", good=(200,), stream=True)
        yield from answer.iter_content(_CHUNK)

    def _call(
        self,
        method: str,
        path: str,
        *,
        good: tuple[int, ...],
        headers: dict[str, str] | None = None,
        data: Callable[[], Any] | None = None,
        other: str = "",
        stream: bool = False,
    ) -> requests.Response:
        url = urljoin(f"{self._base}/", path)
        answer = None
        for _ in range(2):
            sent = {
                **(headers or {}),
                **({"Authorization": self._authorization} if self._authorization else {}),
            }
            try:
                answer = self.session.request(
                    method, url, headers=sent, data=data() if data else None, timeout=(10, 300), stream=stream
                )
            except requests.RequestException as problem:
                raise OperatorError(
                    f"{self.host}: the registry cannot be reached ({type(problem).__name__}); is its name "
                    f"right, and is it up?"
                ) from problem
            if answer.status_code != 401:
                break
            self._authorization = self._authorize(answer.headers.get("WWW-Authenticate", ""), other)
        if answer is None or answer.status_code not in good:
            raise OperatorError(self._refusal(method, answer))
        return answer

    def _refusal(self, method: str, answer: requests.Response | None) -> str:
        name, code = f"{self.host}/{self.repository}", answer.status_code if answer is not None else 0
        if code in (401, 403):
            return (
                f"{name}: the registry refuses {'a push' if method != 'GET' else 'a look'} ({code}); "
                f"log in with docker login, with a user who may"
            )
        if code == 404:
            return (
                f"{name}: the registry does not have it; is the name right? (ECR wants the repository "
                f"to be made first)"
            )
        return f"{name}: the registry answered {code} to {method}; try again"

    def _authorize(self, challenge: str, other: str) -> str:
        """Answer a challenge: basic, or a token for this repository (and the one that is mounted from)."""
        login = credentials.find(self.host)
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            if not login:
                raise OperatorError(f"{self.host}: the registry wants a login; docker login {self.host}")
            return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
        asked = dict(_CHALLENGE.findall(rest))
        if "realm" not in asked:
            raise OperatorError(
                f"{self.host}: the registry asks for a login in a way that is not known ({kind or 'none'})"
            )
        scopes = [f"repository:{self.repository}:pull,push", *([f"repository:{other}:pull"] if other else [])]
        for scope in (scopes, [f"repository:{self.repository}:pull"]):
            query = {"service": asked.get("service", ""), "scope": scope}
            answer = self.session.get(asked["realm"], params=query, auth=login, timeout=60)
            if answer.status_code == 200:
                return f"Bearer {answer.json().get('token') or answer.json()['access_token']}"
        raise OperatorError(
            f"{self.host}: the registry's token service refuses the login; docker login {self.host}"
        )


def open_registry(reference: Reference) -> Registry:
    return Registry(reference.host, reference.repository)
