"""A publisher on loopback: files as the real ones have them, and the faults of a network.

Ranges and their answers (206, 416, Content-Range) are RFC 9110, section 14, as nginx 1.27 and the object
stores behind dl.k8s.io and github.com give them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class Publisher(ThreadingHTTPServer):
    """Serves `files` by path.

    `cut_after` bytes of an answer it closes the connection, so often as `cuts` says.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes | Path] = {}
        self.asked: list[tuple[str, str]] = []  # path, and the range that was asked for
        self.cut_after = 0
        self.cuts = 0
        self.failures: list[int] = []  # statuses of the next answers
        self.ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
        self.server.asked.append((path, wanted))
        if self.server.failures:
            self._head(self.server.failures.pop(0), 0)
        elif path not in self.server.files:
            self._head(HTTPStatus.NOT_FOUND, 0)
        else:
            content = self.server.files[path]
            whole = content if isinstance(content, bytes) else content.read_bytes()
            self._file(whole, int(wanted.removeprefix("bytes=").rstrip("-") or 0))

    def _file(self, content: bytes, begun: int) -> None:
        if not begun or not self.server.ranges:
            self._head(HTTPStatus.OK, len(content))
            self._body(content)
        elif begun >= len(content):
            self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, f"bytes */{len(content)}")
        else:
            rest = content[begun:]
            self._head(
                HTTPStatus.PARTIAL_CONTENT, len(rest), f"bytes {begun}-{len(content) - 1}/{len(content)}"
            )
            self._body(rest)

    def _head(self, status: int, length: int, span: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()

    def _body(self, content: bytes) -> None:
        if self.command == "HEAD":
            return
        if self.server.cuts:
            self.server.cuts -= 1
            content = content[: self.server.cut_after]
        self.wfile.write(content)


@contextmanager
def serving() -> Iterator[Publisher]:
    """Serve until the block ends."""
    with Publisher() as publisher:
        thread = Thread(target=publisher.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield publisher
        finally:
            publisher.shutdown()
            thread.join()
