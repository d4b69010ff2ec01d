"""PowerShell's values in Python: conversions, properties, methods and operators, as far as our scripts use them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .syntax import Node


class PsError(Exception):
    """A terminating error of the script."""


class PsExit(Exception):
    """The script has ended itself."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class ErrorRecord:
    """What $_ is in a catch."""

    message: str
    InvocationInfo: dict[str, str] = field(default_factory=lambda: {"PositionMessage": ""})

    def __str__(self) -> str:
        return self.message


@dataclass
class Function:
    """A function or a script block: parameter names with the nodes of their defaults, and the body."""

    parameters: list[tuple[str, Node | None]]
    body: Node


class PsObject(dict[str, Any]):
    """An object with properties, as ConvertFrom-Json makes it. In strict mode a missing one is an error; on a hashtable it is $null."""


class Properties(list[Any]):
    """PSObject.Properties: enumerable, and indexed by name."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__({"Name": key, "Value": item} for key, item in values.items())
        self._values = values

    def named(self, key: str) -> dict[str, Any] | None:
        return {"Name": key, "Value": self._values[key]} if key in self._values else None


def collapse(values: list[Any]) -> Any:
    """Output of nothing is $null, of one thing that thing, of more an array."""
    return None if not values else values[0] if len(values) == 1 else values


def spread(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def truth(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > 1 or (len(value) == 1 and truth(value[0]))
    return True if isinstance(value, (dict, Function)) else bool(value)


def as_text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(as_text(item) for item in value)
    return "" if value is None else str(value)


def equal(left: Any, right: Any) -> bool:
    """Strings compare without regard to case, and the left side decides the type."""
    if isinstance(left, str):
        return left.lower() == as_text(right).lower()
    return left == right


def get(value: Any, name: str) -> Any:
    """A property, whatever its case."""
    lower = name.lower()
    if lower == "psobject":
        return {"Properties": Properties(value)}
    if isinstance(value, (list, str)) and lower in ("count", "length"):
        return len(value)
    if isinstance(value, dict):
        return _get_key(value, name)
    if value is not None and hasattr(value, name):
        return getattr(value, name)
    raise PsError(f"the property '{name}' cannot be found on this object")


def _get_key(table: dict[str, Any], name: str) -> Any:
    if name.lower() == "keys":
        return list(table)
    for key, item in table.items():
        if key.lower() == name.lower():
            return item
    if isinstance(table, PsObject):
        raise PsError(f"the property '{name}' cannot be found on this object")
    return None


def put(container: dict[str, Any], name: str, value: Any) -> None:
    container[next((key for key in container if key.lower() == name.lower()), name)] = value


def element(container: Any, key: Any) -> Any:
    if isinstance(container, Properties) and isinstance(key, str):
        return container.named(key)
    if isinstance(container, dict):
        return container.get(key)
    return container[key] if -len(container) <= key < len(container) else None


def method(value: Any, name: str, arguments: list[Any]) -> Any:
    known: dict[tuple[type, str], Callable[..., Any]] = {
        (str, "replace"): lambda old, new: value.replace(old, new),
        (str, "trim"): lambda: value.strip(),
        (str, "substring"): lambda start, length: value[start : start + length],
        (dict, "getenumerator"): lambda: [PsObject(Key=key, Value=item) for key, item in value.items()],
        (dict, "containskey"): lambda key: key in value,
        (dict, "contains"): lambda key: key in value,
    }
    for (kind, text), function in known.items():
        if isinstance(value, kind) and text == name.lower():
            return function(*arguments)
    return getattr(value, name)(*arguments)


def add(left: Any, right: Any) -> Any:
    if isinstance(left, dict):
        if set(left) & set(right):
            raise PsError(f"hashtables with the common key {set(left) & set(right)} cannot be added")
        return left | right
    if isinstance(left, list):
        return left + spread(right)
    if isinstance(left, str):
        return left + as_text(right)
    return left + (int(right) if isinstance(right, str) else right)


def _replace(left: Any, right: Any) -> str:
    pattern, new = right if isinstance(right, list) else (right, "")
    return re.sub(pattern, lambda found: re.sub(r"\$(\d)", lambda group: found[int(group[1])], new), as_text(left), flags=re.IGNORECASE)


def _split(left: str, right: Any) -> list[str]:
    pattern, limit = right if isinstance(right, list) else (right, 0)
    return re.split(pattern, left, maxsplit=max(limit - 1, 0))


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "-replace": _replace,
    "-split": _split,
    "-join": lambda left, right: right.join(as_text(item) for item in spread(left)),
    "-in": lambda left, right: any(equal(left, item) for item in spread(right)),
    "-is": lambda left, right: isinstance(left, ErrorRecord),
    "-notmatch": lambda left, right: re.search(right, as_text(left), re.IGNORECASE) is None,
    "-isnot": lambda left, right: not isinstance(left, ErrorRecord),
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "-eq": equal,
    "-ne": lambda left, right: not equal(left, right),
    "-gt": lambda left, right: left > right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-ge": lambda left, right: left >= right,
}


def compare(operator: str, left: Any, right: Any) -> Any:
    """A binary operator of the comparison level. With an array on the left -eq and its kind filter it."""
    if operator in _OPERATORS:
        return _OPERATORS[operator](left, right)
    test = _COMPARISONS[operator]
    return [item for item in left if test(item, right)] if isinstance(left, list) else test(left, right)
