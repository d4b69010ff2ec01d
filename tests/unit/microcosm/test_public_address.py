"""The look-up of the public address, against servers on this computer."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from microcosm import public_address
from microcosm.errors import OperatorError, UsageError
from microcosm.preview.context import caller_address


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[str]:
    """A service that answers with the parameter."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(request.param)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("service", [b"198.51.100.7\n"], indirect=True)
def test_the_answer_is_the_address(service: str) -> None:
    assert public_address.look_up(service) == "198.51.100.7"


@pytest.mark.parametrize("service", [b"<html>log in first</html>", b"2001:db8::1\n", b"\xff"], indirect=True)
def test_any_other_answer_is_refused(service: str) -> None:
    """A captive portal answers with a page; adminCidrs needs IPv4."""
    with pytest.raises(OperatorError, match="not an IPv4 address"):
        public_address.look_up(service)


def test_a_service_that_is_away_is_named_with_the_option_that_replaces_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        service = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(OperatorError, match=f"{service} does not answer"):
        public_address.look_up(service)
    monkeypatch.setattr(public_address.look_up, "__defaults__", (service,))
    with pytest.raises(UsageError, match="--set adminCidrs="):
        caller_address()
