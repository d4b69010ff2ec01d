"""The shipped nginx.conf, run by a real nginx as an unprivileged user, in front of CCAuth or of what can
go wrong with it.
"""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.workloads import oracle
from tests.unit.workloads.conftest import CCAUTH_ADDRESS
from tests.unit.workloads.servers import NAME, Dns, Upstream, nginx

pytestmark = pytest.mark.machine

PURCHASE = "/api/authorize?ccNum=4111111111111111&amount=10.00"
EXPECTED = f'"{oracle.answer("4111111111111111", "10.00")[1]}"'
HEADERS = ["Content-Security-Policy", "Permissions-Policy", "Referrer-Policy", "X-Content-Type-Options"]


@contextmanager
def asking(url: str, target: str, method: str = "GET") -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, target, headers={"Cookie": "a=b", "Referer": "http://elsewhere.example/"})
        yield connection.getresponse()
    finally:
        connection.close()


@pytest.mark.usefixtures("ccauth")
def test_a_purchase_reaches_ccauth_through_the_page_s_server(widgets: str):
    with asking(widgets, PURCHASE) as response:
        assert (response.status, response.read().decode()) == (200, EXPECTED)
        assert response.headers.get_all("Cache-Control") == ["no-store"]
        assert response.headers["X-CCAuth-Node"] == "windows-0"
        assert response.headers["X-Widgets-Pod"] == socket.gethostname()


@pytest.mark.usefixtures("ccauth")
def test_the_service_s_own_refusal_comes_through(widgets: str):
    with asking(widgets, "/api/authorize?ccNum=x&amount=1") as response:
        assert response.status == 400
        assert response.read().startswith(b'"ccNum must be')


@pytest.mark.parametrize(
    ("target", "kind", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/style.css", "text/css; charset=utf-8", "no-cache"),
        ("/app.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
        ("/healthz", "text/plain; charset=utf-8", "no-cache"),
    ],
)
def test_a_file_has_its_type_its_caching_and_every_security_header(widgets: str, target: str, kind: str, cache: str):
    with asking(widgets, target) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith(kind.split(";")[0])
        assert response.headers["Cache-Control"] == cache
        assert [name for name in HEADERS if response.headers.get_all(name) is None] == []
        assert response.headers["Server"] == "nginx", "no version is given away"


@pytest.mark.parametrize(("target", "status"), [("/..data/index.html", 404), ("/.git/config", 404), ("/nothing", 404)])
def test_what_is_not_a_page_is_not_served(widgets: str, target: str, status: int):
    with asking(widgets, target) as response:
        assert response.status == status
        assert response.headers["Content-Security-Policy"] is not None, "errors carry the policy as well"


@pytest.mark.parametrize("target", ["/", PURCHASE])
def test_only_reading_is_allowed(widgets: str, target: str):
    with asking(widgets, target, "POST") as response:
        assert response.status == 405


@pytest.mark.usefixtures("ccauth")
def test_head_is_answered_though_ccauth_knows_only_get(widgets: str):
    with asking(widgets, PURCHASE, "HEAD") as response:
        assert (response.status, response.read()) == (200, b"")


def test_the_page_is_served_before_the_service_s_name_exists_and_finds_it_when_it_does(widgets: str, dns: Dns, request: pytest.FixtureRequest):
    address = dns.records.pop(NAME)
    with asking(widgets, "/") as response:
        assert response.status == 200
    with asking(widgets, PURCHASE) as response:
        assert (response.status, response.read()) == (502, b'"CCAuth cannot be reached right now."')
        assert response.headers["Retry-After"] == "5"
    dns.records[NAME] = address
    request.getfixturevalue("ccauth")
    with asking(widgets, PURCHASE) as response:
        assert (response.status, response.read().decode()) == (200, EXPECTED)


def test_a_connection_that_breaks_is_tried_once_more(widgets: str):
    def break_first(connection: socket.socket, number: int) -> None:
        if number > 1:
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: '
                               b'10\r\n\r\n"Declined"')

    with Upstream(break_first).serving(CCAUTH_ADDRESS) as upstream, asking(widgets, PURCHASE) as response:
        assert (response.status, response.read()) == (200, b'"Declined"')
    assert len(upstream.requests) == 2
    assert upstream.requests[0] == upstream.requests[1]
    assert upstream.requests[0].startswith(b"GET /ccauth.svc/authorize?ccNum=4111111111111111&amount=10.00 "
                                           b"HTTP/1.1\r\nHost: ccauth.")
    assert b"Cookie" not in upstream.requests[0]


def test_a_service_that_breaks_twice_is_reported_and_not_asked_a_third_time(widgets: str):
    with Upstream(lambda connection, number: None).serving(CCAUTH_ADDRESS) as upstream, asking(widgets, PURCHASE) as response:
        assert (response.status, response.read()) == (502, b'"CCAuth cannot be reached right now."')
    assert len(upstream.requests) == 2


def test_a_service_that_is_slow_is_given_up_within_its_time_and_not_asked_again(widgets: str):
    def stall(connection: socket.socket, number: int) -> None:
        connection.settimeout(15)
        connection.recv(1)

    with Upstream(stall).serving(CCAUTH_ADDRESS) as upstream, asking(widgets, PURCHASE) as response:
        assert (response.status, response.read()) == (504, b'"CCAuth did not answer in time."')
    assert len(upstream.requests) == 1


def test_no_log_line_holds_a_card_number_even_when_everything_fails(dns: Dns, tmp_path: Path):
    scratch = tmp_path / "nginx"
    scratch.mkdir()
    for folder in [scratch, *scratch.parents[:3]]:
        folder.chmod(0o755)
    with nginx(scratch, dns.port) as port:
        for records in ({NAME: CCAUTH_ADDRESS}, {}):
            dns.records.clear()
            dns.records.update(records)
            with asking(f"http://127.0.0.1:{port}", PURCHASE) as response:
                assert response.status == 502
    access, errors = (scratch / "access.log").read_text(), (scratch / "error.log").read_text()
    assert access.count("GET /api/authorize 502") == 2
    assert "4111" not in access + errors
