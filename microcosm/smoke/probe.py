"""Define the requests and answers of a smoke test, and send requests from this computer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError

BODY_CHARACTERS = 300


class Failure(StrEnum):
    """Ways in which a connection fails; each points at another hop."""

    REFUSED = "refused"
    TIMEOUT = "timed out"
    UNREACHABLE = "unreachable"
    NO_NAME = "name not resolved"
    RESET = "connection reset"
    OTHER = "no answer"
    # The request was not sent: its origin failed.
    NOT_SENT = "not sent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A URL to get, or a name to resolve if `dns` is set."""

    target: str
    dns: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A status and a body, or a failure. For a name the body is its addresses."""

    status: int | None = None
    body: str = ""
    failure: Failure | None = None
    detail: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.failure:
            return f"{self.failure.value}{f' ({self.detail})' if self.detail else ''}"
        return f"{self.status} {self.body.strip()}".strip() if self.status else self.body.strip()


class Runner(Protocol):
    """A place that requests are sent from; answers have the order of the requests."""

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Send each request; a failure is an answer too."""
        ...


# Texts by which programs name a failure, in lower case. The first match counts.
WORDS: Sequence[tuple[str, Failure]] = (
    ("bad address", Failure.NO_NAME),
    ("name or service not known", Failure.NO_NAME),
    ("nxdomain", Failure.NO_NAME),
    ("can't resolve", Failure.NO_NAME),
    ("could not be resolved", Failure.NO_NAME),
    ("refused", Failure.REFUSED),
    ("timed out", Failure.TIMEOUT),
    ("timeout", Failure.TIMEOUT),
    ("no servers could be reached", Failure.TIMEOUT),
    ("no route", Failure.UNREACHABLE),
    ("unreachable", Failure.UNREACHABLE),
    ("reset", Failure.RESET),
    ("closed", Failure.RESET),
    ("unable to connect", Failure.UNREACHABLE),
)


def failure_of(text: str) -> Failure:
    """Return the kind of failure that a program's message names."""
    lower = text.lower()
    return next((failure for words, failure in WORDS if words in lower), Failure.OTHER)


@dataclass(frozen=True, kw_only=True, slots=True)
class FromHere:
    """Sends requests from this computer, without a proxy, because adminCidrs admits this address only."""

    timeout_seconds: float = 15.0
    clock: Callable[[], float] = time.monotonic

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(self.timeout_seconds))
        return [self._get(pool, request) for request in requests]

    def _get(self, pool: urllib3.PoolManager, request: Request) -> Answer:
        begun = self.clock()
        try:
            response = pool.request("GET", request.target)
        except HTTPError as problem:
            failure = (
                Failure.NO_NAME if isinstance(problem, NameResolutionError) else failure_of(str(problem))
            )
            return Answer(
                failure=failure, detail=str(problem).split(": ", 1)[-1], seconds=self.clock() - begun
            )
        body = response.data.decode("utf-8", "replace")[:BODY_CHARACTERS]
        return Answer(status=response.status, body=body, seconds=self.clock() - begun)
