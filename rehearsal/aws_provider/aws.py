"""AWS as the resource types see it: one account in one region, its clients, tags, waits and errors."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

Result = TypeVar("Result")

POLL_INTERVAL = 0.2
# How long AWS may go on using a thing after its user is gone; the official provider waits for minutes.
RELEASE_TIMEOUT = 60.0
AWS_TAG_PREFIX = "aws:"
GONE = {"NoSuchEntity", "ParameterNotFound", "NoSuchBucket", "NoSuchKey", "404", "InvalidAllocationID.NotFound", "Gateway.NotAttached"}


class ResourceError(Exception):
    """Something AWS refused, in one sentence."""


def code_of(error: Exception) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""


def is_gone(error: Exception) -> bool:
    code = code_of(error)
    return code in GONE or code.endswith(".NotFound")


def sentence(error: Exception) -> str:
    """`Code: message` where AWS answered, otherwise why there was no answer."""
    if isinstance(error, ClientError):
        details = error.response["Error"]
        return f"{details['Code']}: {details.get('Message', 'no message')}"
    return str(error).rstrip(".")


AWS_ERRORS = (BotoCoreError, ClientError, ResourceError)


@dataclass
class Aws:
    """The account and region that the provider was configured for. Clients are made when first used, once, and shared."""

    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    attempts: int | None = None
    _clients: dict[str, Any] = field(default_factory=dict[str, Any], init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def client(self, service: str) -> Any:
        # Making a client is not thread-safe (boto3 says so), using one is.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self.session.client(service, config=self._config)
            return self._clients[service]

    @property
    def _config(self) -> Any:
        from botocore.config import Config

        return Config(retries={"mode": "standard", "total_max_attempts": self.attempts} if self.attempts else None)

    @functools.cached_property
    def session(self) -> Any:
        import boto3  # 0.15 s, paid by the first call and not by the start of the plugin

        return boto3.Session(region_name=self.region)

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def iam(self) -> Any:
        return self.client("iam")

    @property
    def ssm(self) -> Any:
        return self.client("ssm")

    @property
    def s3(self) -> Any:
        return self.client("s3")

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        return self.client("sts").get_caller_identity()

    @property
    def account(self) -> str:
        return self.identity["Account"]

    @property
    def partition(self) -> str:
        return self.session.get_partition_for_region(self.region)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def all_tags(self, tags: Any) -> Any:
        """The tags that a resource gets: its own over the provider's defaults. Tags that are not known yet stay so."""
        return {**self.default_tags, **(tags or {})} if isinstance(tags, Mapping | None) else tags

    def tag_specifications(self, **tags_by_type: Mapping[str, str]) -> list[dict[str, Any]]:
        wanted = {kind.replace("_", "-"): tags for kind, tags in tags_by_type.items() if tags}
        return [{"ResourceType": kind, "Tags": pairs(tags)} for kind, tags in wanted.items()]

    def retag_ec2(self, resource: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        added, removed = tag_changes(old, new)
        if removed:
            self.ec2.delete_tags(Resources=[resource], Tags=[{"Key": key} for key in removed])
        if added:
            self.ec2.create_tags(Resources=[resource], Tags=pairs(added))


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": str(value)} for key, value in tags.items()]


def from_pairs(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Without the tags that AWS itself sets, which no program can own."""
    return {tag["Key"]: tag["Value"] for tag in tags or () if not tag["Key"].startswith(AWS_TAG_PREFIX)}


def tag_changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    added = {key: value for key, value in new.items() if old.get(key) != value}
    return added, [key for key in old if key not in new]


def without_none(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def if_exists(call: Callable[[], Result]) -> Result | None:
    """The answer, or None where AWS says that there is no such thing (any more)."""
    try:
        return call()
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def once_released(call: Callable[[], Result], *codes: str) -> Result | None:
    """Delete a thing that others may still be letting go of: AWS answers `codes` for a while after its last user is gone."""
    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and code_of(error) in (codes or ("DependencyViolation",))),
        wait=wait_fixed(POLL_INTERVAL),
        stop=stop_after_delay(RELEASE_TIMEOUT),
        reraise=True,
    )
    return if_exists(lambda: retrying(call))


def wait_until(what: str, condition: Callable[[], bool], timeout: float) -> None:
    def expired(_: Any) -> bool:
        raise ResourceError(f"{what} did not happen within {timeout:.0f} s")

    Retrying(
        retry=retry_if_result(lambda happened: not happened),
        wait=wait_fixed(POLL_INTERVAL),
        stop=stop_after_delay(timeout),
        retry_error_callback=expired,
    )(condition)
