"""The request from a Windows pod, run by a real PowerShell against a server on this computer."""

import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator

import pytest

from microcosm.smoke import windows_exec

PWSH = os.environ.get("MICROCOSM_PWSH") or shutil.which("pwsh")
BODY = '"Auth Code: 1234 Grüße"'
TYPES = {"/json": "application/json; charset=utf-8", "/bytes": "application/octet-stream", "/none": None}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the type that the path names."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path in TYPES else 404)
        if kind := TYPES.get(self.path):
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(BODY.encode())))
        self.end_headers()
        self.wfile.write(BODY.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server for the length of a test."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.served
@pytest.mark.skipif(not PWSH, reason="no PowerShell: neither MICROCOSM_PWSH nor pwsh on PATH")
def test_the_body_is_text_whatever_type_the_answer_has(url: str) -> None:
    """Invoke-WebRequest returns bytes where the type is not that of a text, and none is like octet-stream."""
    script = "; ".join(windows_exec.command(f"{url}{path}", 20)[-1] for path in [*TYPES, "/absent"])
    assert PWSH
    command = [PWSH, "-NoProfile", "-NonInteractive", "-Command", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    answers = [windows_exec.parse(line) for line in done.stdout.splitlines()]
    assert [(answer.status, answer.body) for answer in answers] == [(200, BODY)] * 3 + [(404, "")]
