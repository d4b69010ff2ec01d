"""What a preview is: a stack named after a pull request, with an owner and an end. Pure.

Its facts are kept as tags of the Pulumi stack, in the backend: they are there before the first AWS object is, and whoever
reaps finds them without the checkout, the pull request or a living machine.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import yaml

from infra.naming import EXPIRES_TAG, OWNER_TAG
from infra.settings import shown

from .errors import UsageError

PREFIX = "pr-"
REGION_TAG, CREATED_TAG = "microcosm:region", "microcosm:created-at"
DEFAULT_TTL = "8h"
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=72)

_TTL = re.compile(r"([1-9][0-9]{0,4})(m|h|d)", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_KEY = re.compile(r"[a-z][A-Za-z]*", re.ASCII)
# What a person writes of another type than text; lists and objects are written as JSON.
_WORDS: Mapping[str, Any] = {"true": True, "false": False}
# The keys that the command derives, and the option that says them.
DERIVED = {"owner": "--owner", "expiresAt": "--ttl"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A preview as its stack's tags tell it; None where they do not."""

    pr: int
    region: str | None = None
    owner: str = ""
    created: datetime | None = None
    expires: datetime | None = None

    @property
    def stack(self) -> str:
        return stack_name(self.pr)

    @property
    def tags(self) -> dict[str, str]:
        """The end comes first: a run that is killed in between has left what a reaper needs."""
        known = {EXPIRES_TAG: self.expires and rfc3339(self.expires), REGION_TAG: self.region, CREATED_TAG: self.created and rfc3339(self.created)}
        return {key: value for key, value in (known | {OWNER_TAG: self.owner}).items() if value}

    def until(self, expires: datetime) -> "Preview":
        return replace(self, expires=expires)


def of_tags(stack: str, tags: Mapping[str, str]) -> Preview:
    """The preview that a stack's tags describe."""
    number = pr_number(stack)
    assert number is not None, f"{stack} is no preview"
    return Preview(
        pr=number,
        region=tags.get(REGION_TAG),
        owner=tags.get(OWNER_TAG, ""),
        created=_moment(tags.get(CREATED_TAG)),
        expires=_moment(tags.get(EXPIRES_TAG)),
    )


def stack_name(pr: int) -> str:
    return f"{PREFIX}{pr}"


def pr_number(stack: str) -> int | None:
    """The pull request of a stack; None when the stack is no preview."""
    number = stack.removeprefix(PREFIX)
    return int(number) if stack.startswith(PREFIX) and _NUMBER.fullmatch(number) else None


def parse_pr(text: str) -> int:
    """The number of a pull request, as a person or a workflow gives it."""
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"--pr is {shown(text)}: accepted is the number of a pull request, e.g. 123")
    return int(text)


def parse_ttl(text: str, option: str = "--ttl") -> timedelta:
    """A length of time within what a preview may live."""
    match = _TTL.fullmatch(text)
    if not match:
        raise UsageError(f"{option} is {shown(text)}: accepted is a number with m, h or d, e.g. 90m, 8h or 2d")
    length = int(match[1]) * _UNITS[match[2]]
    if not SHORTEST <= length <= LONGEST:
        raise UsageError(f"{option} is {text}: accepted is from 30m to 72h, the longest that a preview may live without being extended")
    return length


def parse_settings(items: Sequence[str]) -> dict[str, Any]:
    """`--set key=value` as configuration: true, false, numbers and JSON lists or objects are such, all else is text."""
    found: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise UsageError(f"--set is {shown(item)}: accepted is key=value with a key of Pulumi.yaml, e.g. kubernetesVersion=1.35.8")
        if key in DERIVED:
            raise UsageError(f"--set {key} contradicts the preview's own: say it with {DERIVED[key]}")
        found[key] = _value(key, text)
    return found


def _value(key: str, text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as problem:
            raise UsageError(f"--set {key} is not valid JSON ({problem}): a list is written e.g. '[\"203.0.113.7/32\"]'") from problem
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else _WORDS.get(text, text)


def parse_open(text: str, where: str) -> frozenset[int]:
    """The numbers of the open pull requests: a JSON list of numbers or of objects with `number` (as gh prints), or one a line."""
    # An empty text is what a command that failed leaves behind; taken for "none is open" it would end every preview.
    try:
        document: Any = yaml.safe_load(text)
        entries = cast(list[Any], document) if isinstance(document, list) else [int(line) for line in text.split()]
        numbers = frozenset(int(entry["number"]) if isinstance(entry, dict) else int(entry) for entry in entries)
        if not entries and not isinstance(document, list):
            raise ValueError("empty")
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as problem:
        raise UsageError(
            f"{where} does not say which pull requests are open ({type(problem).__name__}): accepted is a JSON list of numbers, "
            "what `gh pr list --json number` prints, or one number a line; [] means that none is"
        ) from problem
    return numbers


def parse_moment(text: str, option: str) -> datetime:
    moment = _moment(text)
    if moment is None:
        raise UsageError(f"{option} is {shown(text)}: accepted is a date and time with its zone, e.g. 2027-01-31T18:00:00Z")
    return moment


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
