"""CCAuth's own C#, compiled and hosted by Mono, asked over HTTP and compared with an oracle that shares no
line with it.
"""

import http.client
import json
import random
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest

from tests.unit.workloads import oracle
from tests.unit.workloads.conftest import CCAUTH_ADDRESS, serving

pytestmark = pytest.mark.machine

Case = tuple[str | None, str | None]

CARDS = ["0", "9", "10", "0009", "4111111111111111", "4000000000000009", "00000000000000000001"]
CARDS += [str(2**63), str(2**64 - 1), str(2**64 - 6)]
AMOUNTS = [
    "0",
    "0.00",
    "0.01",
    "10.5",
    "0010.50",
    "999.99",
    "999.999",
    "1000",
    "1000.00",
    "1000.01",
    "1" * 28,
]
AMOUNTS += ["999." + "9" * 25, "0." + "0" * 26 + "1", "12.3456789012345678901234567"]

# What some parser takes for a decimal number, digits of other scripts, control characters, too many digits.
BAD = ["x", "-1", "+1", "1e3", "0x10", "1,000", "null", "<script>", "%zz", "1_000", "\u0661", "\U0001f600"]
BAD += ["", " ", "\t1", "1\n", "1\0", "' or 1=1 --", "\u2028", "9" * 5000]
BAD_CARDS = [*BAD, "4111 1111", "4111-1111", "1.0", str(2**64), "1" * 21]
BAD_AMOUNTS = [
    *BAD,
    ".",
    "1.",
    ".5",
    "1.2.3",
    "-0",
    "$5",
    "NaN",
    "Infinity",
    "(1)",
    "1" * 29,
    "0." + "9" * 29,
]


@pytest.fixture(scope="module")
def ccauth(ccauth_command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One service for all of this file: it has to live through the whole of it."""
    with serving(ccauth_command, tmp_path_factory.mktemp("service") / "log"):
        yield


def tables() -> Iterator[Case]:
    yield from ((card, amount) for card in CARDS for amount in AMOUNTS)
    yield from ((card, "10.00") for card in BAD_CARDS)
    yield from (("4111111111111111", amount) for amount in BAD_AMOUNTS)
    yield from [(None, "1"), ("1", None), (None, None), ("x", "x"), (None, "x")]


def random_purchases(count: int) -> Iterator[Case]:
    dice = random.Random(2021)
    for _ in range(count):
        whole, places = dice.choice([dice.randrange(2000), dice.randrange(10**12)]), dice.randrange(4)
        fraction = "".join(dice.choice("0123456789") for _ in range(places))
        yield (
            str(dice.randrange(2 ** dice.randrange(1, 65))),
            f"{whole}.{fraction}" if fraction else str(whole),
        )


def ask(case: Case) -> tuple[int, str, str]:
    names = ("ccNum", "amount")
    query = urlencode(
        {name: value for name, value in zip(names, case, strict=True) if value is not None}, quote_via=quote
    )
    return get(f"/ccauth.svc/authorize?{query}")


def get(target: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(CCAUTH_ADDRESS, 80, timeout=10)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()


def raw(request: bytes) -> bytes:
    with socket.create_connection((CCAUTH_ADDRESS, 80), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536)


@pytest.mark.usefixtures("ccauth")
def test_the_rule_holds_for_every_case_of_the_table_and_five_hundred_random_ones():
    cases = [*tables(), *random_purchases(500)]
    assert len(cases) > 650
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(ask, cases))
    wrong = []
    for case, (status, kind, body) in zip(cases, answers, strict=True):
        expected_status, expected = oracle.answer(*case)
        said = json.loads(body)
        fits = said == expected if expected else isinstance(said, str) and said.endswith(".")
        if (status, kind) != (expected_status, "application/json; charset=utf-8") or not fits:
            wrong.append((case, status, body, (expected_status, expected)))
    assert wrong == []
    assert get("/ccauth.svc/health")[::2] == (200, '"ok"')


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ((None, "1"), "ccNum is missing"),
        (("4111 1111", "1"), "ccNum must be 1 to 20 digits"),
        ((str(2**64), "1"), "ccNum must not exceed 18446744073709551615"),
        (("1", None), "amount is missing"),
        (("1", "-5"), "amount must not be negative"),
        (("1", "1e3"), "amount must be digits with at most one point"),
        (("1", "1" * 29), "amount must have at most 28 digits"),
    ],
)
@pytest.mark.usefixtures("ccauth")
def test_a_refusal_says_which_parameter_is_wrong_and_what_is_accepted(case: Case, words: str):
    status, _, body = ask(case)
    assert status == 400
    assert json.loads(body).startswith(words)


@pytest.mark.usefixtures("ccauth")
def test_the_same_purchase_gets_the_same_code_however_its_amount_is_written():
    assert len({ask(("4111111111111111", amount))[2] for amount in ["10.5", "10.50", "010.500"]}) == 1


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (
            b"POST /ccauth.svc/authorize?ccNum=1&amount=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
            b"405",
        ),
        (b"POST /ccauth.svc/authorize HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", b"405"),
        (b"HEAD /ccauth.svc/health HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"GET /ccauth.svc/health HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", b"200"),
        (b"GET /ccauth.svc/health HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /ccauth.svc/authorize?ccNum=%00%ff&amount=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /ccauth.svc/nothing HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"GET /ccauth.svc/health HTTP/1.1\r\nX: " + b"y" * 20000, b"400"),
        (b"\x16\x03\x01\x02\x00", b"400"),
    ],
)
@pytest.mark.usefixtures("ccauth")
def test_a_strange_request_is_answered_and_the_service_lives_on(request_head: bytes, status: bytes):
    assert raw(request_head).split(b" ")[1] == status
    assert get("/ccauth.svc/health")[0] == 200


@pytest.mark.usefixtures("ccauth")
def test_callers_who_leave_in_the_middle_do_no_harm():
    for _ in range(50):
        with socket.create_connection((CCAUTH_ADDRESS, 80), timeout=5) as connection:
            connection.sendall(b"GET /ccauth.svc/authorize?ccNum=1&am")
    assert get("/ccauth.svc/health")[0] == 200


@pytest.mark.usefixtures("ccauth")
def test_forty_callers_at_once_are_all_answered():
    with ThreadPoolExecutor(40) as callers:
        answers = list(callers.map(ask, random_purchases(400)))
    assert [status for status, _, _ in answers] == [200] * 400


@pytest.mark.usefixtures("ccauth")
def test_an_answer_says_where_it_was_made():
    connection = http.client.HTTPConnection(CCAUTH_ADDRESS, 80, timeout=10)
    try:
        connection.request("GET", "/ccauth.svc/health")
        headers = connection.getresponse().headers
    finally:
        connection.close()
    assert headers["X-CCAuth-Node"] == "windows-0"
    assert headers["X-CCAuth-Runtime"].startswith("Mono "), "a stand-in must not pass for the .NET Framework"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("ftp://127.77.0.1/x", 2, "usage: ccauth.exe URL"),
        ("http://name:80/ccauth.svc", 2, "usage: ccauth.exe URL"),
        (f"http://{CCAUTH_ADDRESS}:80/ccauth.svc", 1, f"ccauth: cannot listen on {CCAUTH_ADDRESS}:80"),
    ],
)
@pytest.mark.usefixtures("ccauth")
def test_the_host_says_in_one_sentence_why_it_cannot_serve(
    ccauth_command: list[str], url: str, code: int, words: str
):
    run = subprocess.run([*ccauth_command[:-1], url], capture_output=True, text=True, timeout=30)
    assert run.returncode == code
    assert run.stderr.startswith(words)
    assert len(run.stderr.splitlines()) == 1
