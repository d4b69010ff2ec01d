"""The AWS session the commands are given, and the few things every caller does with an answer.

boto3 has no types of its own: what it returns is `Any` from here on, named by the fields that are read.
AWS_ENDPOINT_URL is boto3's own business; which account it is, infra/config/account.py's.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from botocore.config import Config

from infra.config import account

JsonObject = Mapping[str, Any]
# Services that answer for every region, but in a few of them only (botocore data/endpoints.json,
# api.pricing). A command that can go on without their answer does not wait for it for long.
PRICING = "pricing"
PRICING_REGIONS = {"eu": "eu-central-1", "ap": "ap-south-1"}
PRICING_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
AMBIENT: account.Settings = {}


class Session(Protocol):
    """The part of boto3.Session that the commands use."""

    def client(self, service_name: str) -> Any:
        """A client of one AWS service."""
        ...


class OneClientEach:
    """A session that makes each service's client once: making one costs more than a call."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._clients: dict[str, Any] = {}

    def client(self, service_name: str) -> Any:
        if service_name not in self._clients:
            self._clients[service_name] = self._session.client(
                service_name, **_options(service_name, self._session)
            )
        return self._clients[service_name]


def _options(service_name: str, session: Any) -> dict[str, Any]:
    """Choose the nearest region of a service that is not in all of them."""
    if service_name != PRICING:
        return {}
    region = PRICING_REGIONS.get(str(session.region_name).partition("-")[0], "us-east-1")
    return {"region_name": region, "config": PRICING_PATIENCE}


def open_session(region: str, settings: account.Settings = AMBIENT) -> Session:
    """Open a session in one region, with the credentials that a stack's settings name; without any, those
    of the environment.
    """
    return OneClientEach(account.session(settings, region))


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
