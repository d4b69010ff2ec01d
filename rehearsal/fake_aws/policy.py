"""Evaluate IAM policies for an action on a resource, as far as this project's roles need it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

Statement = Mapping[str, Any]
# The condition keys of a call, as IAM names them, with their values.
Context = Mapping[str, str]
NOTHING: Context = {}


def allows(
    documents: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context = NOTHING
) -> bool:
    """Report whether some statement allows the action and none denies it.

    Statements whose conditions have other operators than OPERATORS are not evaluated: their Allow does not
    count, their Deny does.
    """
    statements = [statement for document in documents for statement in _list(document["Statement"])]
    applying = [statement for statement in statements if _applies(statement, action, resource)]
    denied = any(
        statement["Effect"] == "Deny" and _holds(statement, context, unknown=True) for statement in applying
    )
    return not denied and any(
        statement["Effect"] == "Allow" and _holds(statement, context, unknown=False) for statement in applying
    )


def _applies(statement: Statement, action: str, resource: str) -> bool:
    return _selected(statement, "Action", action.lower(), fold=True) and _selected(
        statement, "Resource", resource
    )


def _selected(statement: Statement, element: str, value: str, *, fold: bool = False) -> bool:
    """Report whether the value matches: `Action` lists the matching values, `NotAction` the others."""
    negated = f"Not{element}" in statement
    patterns = _list(statement[f"Not{element}" if negated else element])
    return negated != any(_matches(pattern.lower() if fold else pattern, value) for pattern in patterns)


def _matches(pattern: str, value: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value) is not None


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {"StringEquals": str.__eq__, "StringLike": _matches}
# "If the key that you specify in a policy condition is not present in the request context, the values do not
# match"; a negated operator is then true (IAM user guide, "IAM JSON policy elements: Condition operators").
NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike"}


def _holds(statement: Statement, context: Context, *, unknown: bool) -> bool:
    """Report whether every condition holds: each key of the call has one of its values; a missing key holds
    none.
    """
    conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition") or {}
    if not conditions.keys() <= {*OPERATORS, *NEGATED}:
        return unknown
    return all(
        _is_met(operator, values, context.get(key))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _is_met(operator: str, values: Any, actual: str | None) -> bool:
    if operator in NEGATED:
        return not _is_met(NEGATED[operator], values, actual)
    return actual is not None and any(OPERATORS[operator](value, actual) for value in _list(values))


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]
