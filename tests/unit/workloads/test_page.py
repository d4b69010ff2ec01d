"""The page in a real browser, in front of CCAuth's own C#: what a customer sees for every kind of answer."""

import socket
from collections.abc import Iterator

import pytest

from tests.unit.workloads import oracle
from tests.unit.workloads.browser import Page
from tests.unit.workloads.conftest import CCAUTH_ADDRESS
from tests.unit.workloads.servers import Upstream

pytestmark = pytest.mark.machine

CARD = "4111111111111111"
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
FIELDS_WITHOUT_NAME = """
    const named = e => e.labels?.length || e.getAttribute("aria-label") || e.innerText.trim();
    return [...document.querySelectorAll("input, button")].filter(e => e.tabIndex < 0 || !named(e)).map(e => e.outerHTML);
"""


@pytest.fixture
def shop(browser: Page, widgets: str) -> Iterator[Page]:
    """The page as a new customer finds it; nothing on it may break its own security policy."""
    browser.resize(1280, 900)
    browser.open(f"{widgets}/")
    browser.console()
    yield browser
    breaches = [line for line in browser.console() if "Failed to load resource" not in line]
    assert breaches == [], "the browser complained"


def choose(page: Page, widget: str) -> None:
    page.script("document.querySelector(`input[value='${arguments[0]}']`).click()", widget)


def outcome(page: Page, state: str) -> str:
    page.wait(lambda now: now.script("return document.getElementById('result').dataset.state") == state, f"the result is {state}", 25)
    return page.text("#result")


@pytest.mark.usefixtures("ccauth")
def test_buying_shows_the_code_that_ccauth_gave_and_where_it_ran(shop: Page):
    shop.click("#buy")
    text = outcome(shop, "approved")
    status, code = oracle.answer(CARD, "39.90")
    assert (status, f"Auth Code: {shop.text('#auth-code')}") == (200, code)
    assert "CCAuth on windows-0" in text
    assert "Mono 6" in text, "the runtime is named, so a stand-in shows itself"
    assert f"Asked by pod {socket.gethostname()}" in " ".join(text.split())
    assert "\u2022\u2022\u2022\u2022 1111" in text
    assert CARD not in text


@pytest.mark.usefixtures("ccauth")
def test_the_amount_is_the_price_times_the_quantity_to_the_cent(shop: Page):
    choose(shop, "Knob widget")
    for _ in range(6):
        shop.click("#more")
    shop.click("#fewer")
    assert shop.text("#total") == "$112.50"
    shop.click("#buy")
    assert "6 \u00d7 Knob widget" in outcome(shop, "approved")
    assert f"Auth Code: {shop.text('#auth-code')}" == oracle.answer(CARD, "112.50")[1]


@pytest.mark.usefixtures("ccauth")
def test_spaces_and_dashes_between_digits_are_grouping(shop: Page):
    shop.type("#card", " 4111-1111 1111 - 1111 ")
    shop.click("#buy")
    outcome(shop, "approved")
    assert f"Auth Code: {shop.text('#auth-code')}" == oracle.answer(CARD, "39.90")[1]


@pytest.mark.parametrize(("widget", "card"), [("Gear widget", "4000 0000 0000 0009"), ("Grand widget", CARD)])
@pytest.mark.usefixtures("ccauth")
def test_declined_is_shown_as_declined(shop: Page, widget: str, card: str):
    choose(shop, widget)
    shop.type("#card", card)
    shop.click("#buy")
    text = outcome(shop, "declined")
    assert text.startswith("Declined")
    assert "Auth code" not in text


@pytest.mark.parametrize(("card", "sentence"), [("", "ccNum is missing"), ("4111x", "ccNum must be 1 to 20 "
                                                                                    "digits"), ("-5", "ccNum must be 1 to 20")])
@pytest.mark.usefixtures("ccauth")
def test_a_refusal_is_shown_in_the_service_s_own_words_beside_the_field_it_is_about(shop: Page, card: str, sentence: str):
    shop.type("#card", card)
    shop.click("#buy")
    assert sentence in outcome(shop, "invalid")
    assert shop.script("return [document.activeElement.id, "
                       "document.activeElement.getAttribute('aria-invalid')]") == ["card", "true"]
    shop.type("#card", CARD)
    assert shop.script("return document.getElementById('card').getAttribute('aria-invalid')") == "false"


@pytest.mark.parametrize("quantity", ["0", "", "x", "-1", "1.5"])
def test_a_quantity_that_is_none_is_not_sent(shop: Page, quantity: str):
    shop.type("#quantity", quantity)
    shop.click("#buy")
    assert shop.text("#quantity-problem") == "Quantity must be a whole number from 1 to 999."
    assert outcome(shop, "idle") == ""


def test_a_service_that_is_down_is_shown_as_such_and_can_be_retried(shop: Page, request: pytest.FixtureRequest):
    shop.click("#buy")
    text = outcome(shop, "unavailable")
    assert text.startswith("Payment service unavailable")
    assert "No authorization was received" in text
    assert "Declined" not in text
    request.getfixturevalue("ccauth")
    shop.click(".again")
    outcome(shop, "approved")


def test_a_service_that_is_slow_is_shown_as_such_and_only_asked_once(shop: Page):
    def stall(connection: socket.socket, number: int) -> None:
        connection.settimeout(15)
        connection.recv(1)

    with Upstream(stall).serving(CCAUTH_ADDRESS) as upstream:
        shop.click("#buy")
        assert outcome(shop, "waiting").startswith("Asking CCAuth")
        shop.script("document.getElementById('order').requestSubmit()")
        assert "did not answer in time" in outcome(shop, "unavailable")
    assert len(upstream.requests) == 1, "a second click while waiting is not a second purchase"


@pytest.mark.parametrize("answer", [b"<h1>Service Unavailable</h1>", b'"Auth Code: <b>1</b>"', b'{"code": '
                                                                                               b'1234}', b'"Auth Code: 12345"', b""])
def test_an_answer_that_is_none_of_the_known_ones_is_never_taken_for_an_authorization(shop: Page, answer: bytes):
    def odd(connection: socket.socket, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))

    with Upstream(odd).serving(CCAUTH_ADDRESS):
        shop.click("#buy")
        outcome(shop, "unavailable")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.usefixtures("ccauth")
def test_the_page_fits_every_width_before_and_after_buying(shop: Page, width: int, dark: bool):
    shop.resize(width, 800)
    shop.scheme("dark" if dark else "light")
    assert shop.script(OVERFLOW) == 0
    shop.click("#buy")
    outcome(shop, "approved")
    assert shop.script(OVERFLOW) == 0


def test_everything_can_be_reached_and_named_without_a_mouse(shop: Page):
    assert shop.script(FIELDS_WITHOUT_NAME) == []
    assert shop.script("return document.getElementById('result').getAttribute('role')") == "status"
