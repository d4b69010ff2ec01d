"""Forward requests to the fake cloud and count them by action and time."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rehearsal.fake_aws.settings import STATE_BUCKET

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
# Headers of one connection (RFC 9110, 7.6.1), and those that are written again.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `at` is in seconds of time.monotonic()."""

    at: float
    action: str
    size: int = 0


@dataclass(slots=True)
class Calls:
    """The forwarded requests, in order."""

    endpoint: str = ""
    made: list[Call] = field(default_factory=list[Call])

    def counts(self) -> Counter[str]:
        """Count the calls by action, without the engine's own state."""
        return Counter(call.action for call in self.made if not call.action.startswith("state:"))

    def times(self, action: str) -> list[float]:
        return [call.at for call in self.made if call.action == action]


def busiest_second(times: Sequence[float]) -> int:
    """Return the most calls within any one second."""
    return max((sum(start <= at < start + 1 for at in times) for start in times), default=0)


def action_of(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """Return the action, e.g. `ssm:PutParameter`; S3 has methods, and the engine's state is `state:PUT`.

    The service is from the signature's scope, the action from the JSON or query protocol.
    """
    if urlsplit(path).path.split("/")[1] == STATE_BUCKET:
        return f"state:{method}"
    _, _, scope = headers.get("authorization", "").partition("Credential=")
    service = scope.split("/")[3] if scope else "unsigned"
    if target := headers.get("x-amz-target"):
        return f"{service}:{target.rpartition('.')[2]}"
    return f"{service}:{method if service == 's3' else parse_qs(body.decode()).get('Action', [method])[0]}"


@contextmanager
def counted(endpoint: str) -> Generator[Calls]:
    """Open a second endpoint of the cloud for the length of the block."""
    calls, address = Calls(), urlsplit(endpoint).netloc

    class Forwarder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            calls.made.append(
                Call(time.monotonic(), action_of(self.command, self.path, headers, body), len(body))
            )
            connection = http.client.HTTPConnection(address)
            connection.request(
                self.command,
                self.path,
                body,
                {k: v for k, v in headers.items() if k not in HOP_BY_HOP} | {"host": address},
            )
            self.answer(connection.getresponse())
            connection.close()

        def answer(self, answer: http.client.HTTPResponse) -> None:
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Forwarder)
    calls.endpoint = f"http://{LOOPBACK}:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, args=(POLL_SECONDS,), name="counted calls", daemon=True
    )
    thread.start()
    try:
        yield calls
    finally:
        server.shutdown()
        server.server_close()
