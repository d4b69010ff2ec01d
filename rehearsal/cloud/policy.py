"""Whether IAM policies allow an action on a resource: the part of IAM's evaluation that instance roles need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

Statement = Mapping[str, Any]


def allows(documents: Iterable[Mapping[str, Any]], action: str, resource: str) -> bool:
    """Denied unless some statement allows it and none denies it.

    Conditions are not evaluated: an allowance with a condition does not count, a denial with one does.
    """
    statements = [statement for document in documents for statement in _list(document["Statement"])]
    applying = [statement for statement in statements if _applies(statement, action, resource)]
    denied = any(statement["Effect"] == "Deny" for statement in applying)
    return not denied and any(statement["Effect"] == "Allow" and not statement.get("Condition") for statement in applying)


def _applies(statement: Statement, action: str, resource: str) -> bool:
    return _selected(statement, "Action", action.lower(), fold=True) and _selected(statement, "Resource", resource)


def _selected(statement: Statement, element: str, value: str, *, fold: bool = False) -> bool:
    """`Action` names what is meant, `NotAction` what is not."""
    negated = f"Not{element}" in statement
    patterns = _list(statement[f"Not{element}" if negated else element])
    return negated != any(_matches(pattern.lower() if fold else pattern, value) for pattern in patterns)


def _matches(pattern: str, value: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value) is not None


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]
