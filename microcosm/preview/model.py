"""Define a preview: a stack named after a pull request, with an owner and an expiry. Pure.

Its facts are tags of the Pulumi stack in the backend. They exist before the first AWS object, and the reaper
finds them without the checkout, the pull request or a running machine.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import yaml

from infra.config.naming import EXPIRES_TAG, OWNER_TAG
from infra.config.reading import shown

from ..errors import UsageError

PREFIX = "pr-"
REGION_TAG, CREATED_TAG = "microcosm:region", "microcosm:created-at"
DEFAULT_TTL = "8h"
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=72)

_TTL = re.compile(r"([1-9][0-9]{0,4})(m|h|d)", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_KEY = re.compile(r"[a-z][A-Za-z]*", re.ASCII)
# Values of `--set` that are no texts; lists and objects are written as JSON.
_WORDS: Mapping[str, Any] = {"true": True, "false": False}
# Keys that the command sets itself, and the option for each.
RESERVED_KEYS = {"owner": "--owner", "expiresAt": "--ttl"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A preview as its stack's tags describe it; None for a missing tag."""

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
        """Return the tags to write; the expiry is first, because the reaper needs it after a killed run."""
        known = {
            EXPIRES_TAG: self.expires and rfc3339(self.expires),
            REGION_TAG: self.region,
            CREATED_TAG: self.created and rfc3339(self.created),
            OWNER_TAG: self.owner,
        }
        return {key: value for key, value in known.items() if value}

    def until(self, expires: datetime) -> "Preview":
        return replace(self, expires=expires)


def of_tags(stack: str, tags: Mapping[str, str]) -> Preview:
    """Return the preview that a stack's tags describe."""
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
    """Return the pull request of a stack; None if the stack is no preview."""
    number = stack.removeprefix(PREFIX)
    return int(number) if stack.startswith(PREFIX) and _NUMBER.fullmatch(number) else None


def parse_pr(text: str) -> int:
    """Parse the number of a pull request."""
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"--pr is {shown(text)}: accepted is the number of a pull request, e.g. 123")
    return int(text)


def parse_ttl(text: str, option: str = "--ttl") -> timedelta:
    """Parse a duration between SHORTEST and LONGEST."""
    match = _TTL.fullmatch(text)
    if not match:
        raise UsageError(
            f"{option} is {shown(text)}: accepted is a number with m, h or d, e.g. 90m, 8h or 2d"
        )
    length = int(match[1]) * _UNITS[match[2]]
    if not SHORTEST <= length <= LONGEST:
        raise UsageError(f"{option} is {text}: accepted is 30m to 72h; `preview extend` prolongs a preview")
    return length


def parse_settings(items: Sequence[str]) -> dict[str, Any]:
    """Parse `--set key=value`: true, false, numbers, JSON lists and objects, or else text."""
    found: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise UsageError(
                f"--set is {shown(item)}: accepted is key=value with a key of Pulumi.yaml, e.g. "
                f"kubernetesVersion=1.35.8"
            )
        if key in RESERVED_KEYS:
            raise UsageError(f"--set {key} is reserved: use {RESERVED_KEYS[key]}")
        found[key] = _value(key, text)
    return found


def _value(key: str, text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as problem:
            raise UsageError(
                f"--set {key} is not valid JSON ({problem}): write a list like '[\"203.0.113.7/32\"]'"
            ) from problem
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else _WORDS.get(text, text)


def parse_open(text: str, where: str) -> frozenset[int]:
    """Parse the open pull requests: a JSON list of numbers or objects with `number` (gh), or one a line."""
    # A failed command leaves an empty text. Read as "no pull request is open" it would end every preview.
    try:
        document: Any = yaml.safe_load(text)
        entries = (
            cast(list[Any], document) if isinstance(document, list) else [int(line) for line in text.split()]
        )
        numbers = frozenset(
            int(entry["number"]) if isinstance(entry, dict) else int(entry) for entry in entries
        )
        if not entries and not isinstance(document, list):
            raise ValueError("empty")
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as problem:
        raise UsageError(
            f"{where} does not list the open pull requests ({type(problem).__name__}): accepted is a JSON "
            f"list of numbers, "
            "the output of `gh pr list --json number`, or one number a line; [] means that none is open"
        ) from problem
    return numbers


def parse_moment(text: str, option: str) -> datetime:
    moment = _moment(text)
    if moment is None:
        raise UsageError(
            f"{option} is {shown(text)}: accepted is a date and time with its zone, e.g. 2027-01-31T18:00:00Z"
        )
    return moment


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
