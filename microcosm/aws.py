"""The AWS session the commands are given, and the few things every caller does with an answer.

boto3 has no types of its own: what it returns is `Any` from here on, named by the fields that are read.
AWS_ENDPOINT_URL is boto3's own business; which account it is, infra/account.py's.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

from infra import account

JsonObject = Mapping[str, Any]
AMBIENT: account.Settings = {}


class Session(Protocol):
    """The part of boto3.Session that the commands use."""

    def client(self, service_name: str) -> Any:
        """A client of one AWS service."""
        ...


class OneClientEach:
    """A session that makes each service's client once: making one costs more than a call."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._clients: dict[str, Any] = {}

    def client(self, service_name: str) -> Any:
        if service_name not in self._clients:
            self._clients[service_name] = self._session.client(service_name)
        return self._clients[service_name]


def open_session(region: str, settings: account.Settings = AMBIENT) -> Session:
    """Open a session in one region, with the credentials that a stack's settings name; without any, those of the environment."""
    return OneClientEach(cast(Session, account.session(settings, region)))


def pages(client: Any, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Every entry under `key`, over all pages of an operation."""
    if not client.can_paginate(operation):
        yield from getattr(client, operation)(**parameters)[key]
        return
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page.get(key) or ()


def tags_of(entry: JsonObject) -> dict[str, str]:
    """The tags of an EC2 or IAM object as a dictionary (some EC2 calls say TagSet)."""
    pairs: Iterable[JsonObject] = entry.get("Tags") or entry.get("TagSet") or ()
    return {str(pair["Key"]): str(pair["Value"]) for pair in pairs}


def stack_filter(tag: str, stack: str) -> list[dict[str, Any]]:
    """The EC2 filter for objects that carry a tag with this value."""
    return [{"Name": f"tag:{tag}", "Values": [stack]}]
