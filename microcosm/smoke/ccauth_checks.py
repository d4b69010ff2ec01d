"""CCAuth's rules as a table of cards, amounts and required answers.

The smoke test sends each through the page, as a customer would.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from .probe import Answer, Request

CODE = re.compile(r"Auth Code: \d{4}")


def authorized(answer: Answer) -> bool:
    """Accept a four-digit code."""
    return answer.status == 200 and CODE.fullmatch(_text(answer)) is not None


def declined(answer: Answer) -> bool:
    return answer.status == 200 and _text(answer) == "Declined"


def refused(answer: Answer) -> bool:
    """Accept status 400, because malformed input is the caller's fault."""
    return answer.status == 400


def _text(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body))
    except ValueError:
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row of the table."""

    name: str
    card: str
    amount: str
    accepts: Callable[[Answer], bool]
    wants: str

    def request(self, page_url: str) -> Request:
        return Request(
            target=f"{page_url}/api/authorize?{urlencode({'ccNum': self.card, 'amount': self.amount})}"
        )


GOOD_CARD, BAD_CARD = "4111111111111111", "4111111111111119"
RULES = (
    Rule(name="a good card", card=GOOD_CARD, amount="10.00", accepts=authorized, wants="a code"),
    Rule(name="a card that ends in 9", card=BAD_CARD, amount="10.00", accepts=declined, wants="Declined"),
    Rule(
        name="an amount just below the limit",
        card=GOOD_CARD,
        amount="999.99",
        accepts=authorized,
        wants="a code",
    ),
    Rule(name="an amount at the limit", card=GOOD_CARD, amount="1000", accepts=declined, wants="Declined"),
    Rule(
        name="an amount above the limit",
        card=GOOD_CARD,
        amount="123456.78",
        accepts=declined,
        wants="Declined",
    ),
    Rule(name="letters for a card", card="abc", amount="10.00", accepts=refused, wants="400"),
    Rule(name="letters for an amount", card=GOOD_CARD, amount="ten", accepts=refused, wants="400"),
    Rule(name="a card too long for a number", card="9" * 40, amount="10.00", accepts=refused, wants="400"),
    Rule(name="nothing at all", card="", amount="", accepts=refused, wants="400"),
    # This rule is last: it shows that the malformed input has not stopped the service.
    Rule(name="still alive afterwards", card=GOOD_CARD, amount="10.00", accepts=authorized, wants="a code"),
)
