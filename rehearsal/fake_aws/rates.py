"""Refuse calls that exceed the rates of an AWS account in a region: a WSGI layer in front of the fake cloud.

The layer is off by default, because a rehearsal is one small stack; `--rates` turns it on for large ones, and
GET RATES_PATH returns the refusals.

The rates are of 2025: EC2 from "Request throttling for the Amazon EC2 API" in the EC2 developer guide, with a
bucket per API; Systems Manager from "AWS Systems Manager endpoints and quotas" in the AWS general reference
(reads share 40 a second), but PutParameter from AWS support's answer in
https://github.com/github-aws-runners/terraform-aws-github-runner/issues/2944. Calls without a published rate
are never refused: the rest of Systems Manager, IAM, S3 and STS.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import WSGIApplication

from rehearsal.fake_aws.calls import Call, call_of
from rehearsal.fake_aws.error_answers import error_answer
from rehearsal.fake_aws.settings import STAND_IN_KEY

RATES_PATH = "/microcosm-rates"


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: its size, and the calls per second that refill it."""

    burst: float
    a_second: float


READS = Rate(100, 20)
# Reads without a filter or paging.
UNFILTERED_READS = Rate(50, 10)
UNFILTERED = frozenset(
    (
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeSnapshots",
        "DescribeVolumes",
    )
)
CHANGES = Rate(50, 5)
# Calls of the program and the audit with a rate of their own.
OWN_RATES: Mapping[str, Rate] = {
    "RunInstances": Rate(5, 2),
    "StartInstances": Rate(5, 2),
    "TerminateInstances": Rate(100, 5),
    "CreateTags": Rate(100, 10),
    "DeleteTags": Rate(100, 10),
    "DeleteVolume": Rate(100, 5),
    "DeleteSnapshot": Rate(100, 5),
    "DeleteNetworkInterface": Rate(100, 5),
    "ModifyInstanceMetadataOptions": Rate(100, 5),
}
PUT_PARAMETER = Rate(3, 3)
PARAMETER_READS = Rate(40, 40)
_PARAMETER_READS = frozenset(("GetParameter", "GetParameters", "GetParametersByPath"))
_FILTERS_OR_PAGES = (b"Filter.1", b"MaxResults=", b"NextToken=")


def rate_of(call: Call, body: bytes) -> tuple[str, Rate] | None:
    """Return the name and rate of a call's bucket; None without a known rate."""
    if call.service == "ssm":
        if call.action == "PutParameter":
            return "ssm:PutParameter", PUT_PARAMETER
        return ("ssm:reads", PARAMETER_READS) if call.action in _PARAMETER_READS else None
    # The polls of simulated machines; real machines make none.
    if call.service != "ec2" or call.caller == STAND_IN_KEY:
        return None
    if call.action in UNFILTERED and not any(sign in body for sign in _FILTERS_OR_PAGES):
        return f"ec2:{call.action} without filter", UNFILTERED_READS
    return f"ec2:{call.action}", OWN_RATES.get(call.action, CHANGES if call.changes else READS)


@dataclass(slots=True)
class Bucket:
    """The tokens of one rate."""

    rate: Rate
    tokens: float
    filled: float

    def take(self, now: float) -> bool:
        """Take a token; False if there is none."""
        self.tokens = min(self.rate.burst, self.tokens + (now - self.filled) * self.rate.a_second)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Buckets:
    """The buckets of one account in one region, and the refusals of each."""

    clock: Callable[[], float] = time.monotonic
    refused: Counter[str] = field(default_factory=Counter[str])
    _buckets: dict[str, Bucket] = field(default_factory=dict[str, Bucket])
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def admits(self, name: str, rate: Rate) -> bool:
        with self._lock:
            now = self.clock()
            admitted = self._buckets.setdefault(name, Bucket(rate, rate.burst, now)).take(now)
            self.refused[name] += not admitted
            return admitted


class Rates:
    """The layer."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._buckets = Buckets()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == RATES_PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(+self._buckets.refused).encode()]
        body = environ["wsgi.input"].getvalue()
        call = call_of(environ, body)
        limit = call and rate_of(call, body)
        if call is None or limit is None or self._buckets.admits(*limit):
            return self._application(environ, start_response)
        return error_answer(call.service, "throttle", "Rate exceeded", start_response)
