"""Typed reading of raw configuration values: collects every problem instead of stopping at the first.

A Pulumi configuration value is a string, or a JSON text for lists and objects (`pulumi config set --path`).
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import TypeVar, cast

T = TypeVar("T")
LONGEST_SHOWN = 80
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


class _Refused(Exception):
    """A value is not what the key accepts; the text completes the sentence "<key> is <value>: "."""


@dataclass(slots=True)
class Settings:
    """One object of the configuration (the stack's own, or an item of a list), read key by key."""

    values: Mapping[str, object]
    where: str = ""
    problems: list[str] = field(default_factory=list[str])
    read: set[str] = field(default_factory=set[str])

    def text(
        self, key: str, default: str = "", pattern: re.Pattern[str] | None = None, accepted: str = ""
    ) -> str:
        """A string; when a pattern is given, one that matches it whole."""

        def convert(value: object) -> str:
            if not isinstance(value, str) or (pattern and value and not pattern.fullmatch(value)):
                raise _Refused(f"accepted is {accepted or 'a text'}")
            return value

        return self._read(key, default, convert)

    def choice(
        self, key: str, default: str, choices: Collection[str], also: Mapping[str, str] = _NO_ALIASES
    ) -> str:
        """One of a closed set; `also` holds other names that people give, with what they mean.

        They are suggested, not taken.
        """

        def convert(value: object) -> str:
            if value not in choices:
                raise _Refused(
                    f"accepted is one of "
                    f"{', '.join(choices)}{_meant(value, {**also, **{name: name for name in choices}})}"
                )
            return cast(str, value)

        return self._read(key, default, convert)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds, both included."""

        def convert(value: object) -> int:
            number = (
                int(value)
                if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII)
                else value
            )
            if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
                raise _Refused(f"accepted is a whole number from {low} to {high}")
            return number

        return self._read(key, default, convert)

    def boolean(self, key: str, default: bool) -> bool:
        """true or false."""

        def convert(value: object) -> bool:
            known: dict[object, bool] = {"true": True, "false": False}
            if isinstance(value, bool):
                return value
            if not isinstance(value, str) or value not in known:
                raise _Refused("accepted is true or false")
            return known[value]

        return self._read(key, default, convert)

    def texts(self, key: str, pattern: re.Pattern[str], accepted: str) -> tuple[str, ...]:
        """A list of different strings, each matching the pattern whole."""

        def convert(value: object) -> tuple[str, ...]:
            items = _structured(value)
            if not isinstance(items, list):
                raise _Refused(f"accepted is a list, each item {accepted}")
            texts = [
                item
                for item in cast(list[object], items)
                if isinstance(item, str) and pattern.fullmatch(item)
            ]
            if len(texts) != len(cast(list[object], items)):
                raise _Refused(f"accepted is a list, each item {accepted}")
            if repeated := [text for text in dict.fromkeys(texts) if texts.count(text) > 1]:
                raise _Refused(f"it names {', '.join(repeated)} twice; name each once")
            return tuple(texts)

        return self._read(key, (), convert)

    def mapping(self, key: str, pattern: re.Pattern[str], accepted: str) -> dict[str, str]:
        """An object of strings whose `key=value` pairs each match the pattern whole."""

        def convert(value: object) -> dict[str, str]:
            pairs = _structured(value)
            if not isinstance(pairs, dict):
                raise _Refused(f"accepted is an object, each entry {accepted}")
            entries = cast(dict[str, object], pairs)
            bad = [
                k for k, v in entries.items() if not isinstance(v, str) or not pattern.fullmatch(f"{k}={v}")
            ]
            if bad:
                raise _Refused(
                    f"{', '.join(map(_printable, bad))} cannot be used; accepted is an object, each entry "
                    f"{accepted}"
                )
            return cast(dict[str, str], entries)

        return self._read(key, {}, convert)

    def section(self, key: str) -> "Settings":
        """A nested object, read with the same care; its problems are added to this one's."""

        def convert(value: object) -> Mapping[str, object]:
            content = _structured(value)
            if not isinstance(content, dict):
                raise _Refused("accepted is an object")
            return cast(dict[str, object], content)

        return Settings(self._read(key, {}, convert), f"{self.where}{key}.", self.problems)

    def sections(self, key: str, default: list[Mapping[str, object]]) -> list["Settings"]:
        """A list of nested objects."""

        def convert(value: object) -> list[Mapping[str, object]]:
            items = _structured(value)
            if not isinstance(items, list) or not all(
                isinstance(item, dict) for item in cast(list[object], items)
            ):
                raise _Refused("accepted is a list of objects")
            return cast(list[Mapping[str, object]], items)

        items = self._read(key, default, convert)
        return [
            Settings(item, f"{self.where}{key}[{index}].", self.problems) for index, item in enumerate(items)
        ]

    def refuse_unknown(self) -> None:
        """A key nobody read is a spelling mistake that would otherwise change nothing in silence."""
        for key in sorted(map(str, set(self.values) - self.read)):
            self.problems.append(
                f"{self.where}{_printable(key)} is not a known key; known are {', '.join(sorted(self.read))}"
            )

    def _read(self, key: str, default: T, convert: Callable[[object], T]) -> T:
        self.read.add(key)
        value = self.values.get(key)
        if value is None:
            return default
        try:
            return convert(value)
        except _Refused as refusal:
            self.problems.append(f"{self.where}{key} is {shown(value)}: {refusal}")
            return default


def _structured(value: object) -> object:
    """A list or object as it is, or out of its JSON text; any other text stays itself and is refused by
    the caller.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _meant(value: object, names: Mapping[str, str]) -> str:
    """The question that a spelling mistake deserves, or nothing."""
    by_lower_case = {name.lower(): meant for name, meant in names.items()}
    close = (
        get_close_matches(value[:LONGEST_SHOWN].lower(), by_lower_case, n=1, cutoff=0.7)
        if isinstance(value, str)
        else []
    )
    return f"; did you mean {by_lower_case[close[0]]}?" if close else ""


def _printable(key: str) -> str:
    """A key as it is, unless it would break the line that names it, or fill it."""
    return key if key.isprintable() and len(key) <= LONGEST_SHOWN else shown(key)


def shown(value: object) -> str:
    """A value as a sentence repeats it: on one line, and not for ever."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
