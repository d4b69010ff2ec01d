"""CCAuth's answers, computed without CCAuth: the rule of the talk and the grammar of its input, in
Python.
"""

import hashlib
import re
from decimal import Decimal

DECLINED = "Declined"
LARGEST_CARD = 2**64 - 1
AMOUNT_DIGITS = 28


def answer(card: str | None, amount: str | None) -> tuple[int, str | None]:
    """Status and JSON string; None stands for the sentence of a 400, whose words are not the oracle's
    business.
    """
    if not is_card(card) or not is_amount(amount):
        return 400, None
    if card[-1] == "9" or Decimal(amount) >= 1000:
        return 200, DECLINED
    return 200, f"Auth Code: {code(int(card), Decimal(amount))}"


def is_card(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[0-9]{1,20}", text) is not None and int(text) <= LARGEST_CARD


def is_amount(text: str | None) -> bool:
    if text is None or re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) is None:
        return False
    return len(text.replace(".", "")) <= AMOUNT_DIGITS


def code(card: int, amount: Decimal) -> str:
    plain = format(amount, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    digest = hashlib.sha256(f"{card}|{plain}".encode()).digest()
    return f"{int.from_bytes(digest[:4], 'big') % 10_000:04d}"
