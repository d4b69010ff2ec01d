"""Call the Kubernetes API with plain JSON objects, in the few verbs of a kubelet.

The `kubernetes` package is not used: its typed models need more memory than the whole stand-in may use.
"""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from rehearsal.windows_node.errors import StandinError

Json = dict[str, Any]

_WATCH_SECONDS = 300
_JSON = "application/json"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"


class ApiFailure(StandinError):
    """A failed call; every loop that outlives a restart of the API server catches it."""


class ApiUnreachable(ApiFailure):
    """No answer: the network or TLS failed, or no server listens."""


class ApiError(ApiFailure):
    """A refusal of the API server, with the code and reason of its Status object."""

    def __init__(self, method: str, path: str, status: int, answer: Json) -> None:
        self.status = status
        self.reason = str(answer.get("reason", ""))
        super().__init__(
            f"{method} {path}: {status} {answer.get('message') or self.reason or 'no reason given'}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The API server's address and the caller's credentials.

    No `ca_pem`: TLS is not verified, which only discovery may use.
    """

    server: str
    ca_pem: str | None = None
    token: str | None = None
    client_pem: Path | None = None  # certificate and key in one file, as kubelet stores them

    def tls(self) -> ssl.SSLContext:
        """Return the TLS settings of this access."""
        context = ssl.create_default_context(cadata=self.ca_pem)
        if self.ca_pem is None:
            # Intended: discovery trusts the content for its signature alone.
            urllib3.disable_warnings(InsecureRequestWarning)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_pem is not None:
            context.load_cert_chain(self.client_pem)
        return context


class Api:
    """One identity's connection to one API server; threads may share it."""

    def __init__(self, access: Access) -> None:
        self._server = access.server
        self._headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        self._pool = urllib3.PoolManager(ssl_context=access.tls(), retries=False, maxsize=4)

    def get(self, path: str, **query: str) -> Json:
        return self._call("GET", path, query=query)

    def create(self, path: str, body: Json) -> Json:
        return self._call("POST", path, body=body)

    def patch(self, path: str, body: Json) -> Json:
        return self._call("PATCH", path, body=body, content_type=STRATEGIC_MERGE)

    def replace(self, path: str, body: Json) -> Json:
        return self._call("PUT", path, body=body)

    def delete(self, path: str, body: Json) -> Json:
        return self._call("DELETE", path, body=body)

    def watch(self, path: str, **query: str) -> Iterator[tuple[str, Json]]:
        """Yield the changes after `resourceVersion` until the server ends the watch, as it does every few
        minutes.
        """
        query |= {"watch": "1", "timeoutSeconds": str(_WATCH_SECONDS)}
        with self._send("GET", path, query=query, stream=True) as answer:
            for line in _lines(answer, path):
                event: Json = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError("WATCH", path, event["object"].get("code", 0), event["object"])
                yield event["type"], event["object"]

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Json | None = None,
        content_type: str = _JSON,
    ) -> Json:
        return json.loads(self._send(method, path, query=query, body=body, content_type=content_type).data)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Json | None = None,
        content_type: str = _JSON,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        # A stream is silent while nothing changes, so its timeout exceeds the server's own limit of the
        # watch.
        read_timeout = _WATCH_SECONDS + 30 if stream else 30
        try:
            answer = self._pool.request(
                method,
                self._server + path,
                fields=query,
                body=None if body is None else json.dumps(body),
                headers=self._headers | {"Accept": _JSON, "Content-Type": content_type},
                preload_content=not stream,
                timeout=urllib3.Timeout(connect=5, read=read_timeout),
            )
        except HTTPError as error:
            raise ApiUnreachable(f"{method} {path}: {error}") from error
        if answer.status >= 400:
            raise ApiError(method, path, answer.status, _status_object(answer.data))
        return answer


def _lines(answer: urllib3.BaseHTTPResponse, path: str) -> Iterator[bytes]:
    try:
        yield from answer
    except HTTPError as error:
        raise ApiUnreachable(f"WATCH {path}: {error}") from error


def _status_object(data: bytes) -> Json:
    """Return the API server's Status object; a proxy or a starting server may answer with plain text."""
    try:
        decoded = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")[:200]}
    return decoded if isinstance(decoded, dict) else {"message": str(decoded)[:200]}
