"""Identify an HTTP request as a call of AWS: service, action, and a key that its repetitions share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from rehearsal.fake_aws.settings import STATE_BUCKET
from rehearsal.fake_aws.signature import Signature

# The service of calls for Pulumi's state, which are AWS calls of an `up` but concern no resource.
STATE = "state"
# Parameters that differ between repetitions of a call.
VOLATILE = frozenset({"Action", "Version", "ClientToken", "NextToken", "UserData"})
# The suffix of a name that Pulumi generates, different in each attempt.
_MADE_UP = re.compile(r"-[0-9a-f]{7}(?![0-9a-z-])")
# The id of an object, different when it is created again.
_ID = re.compile(r"\b([a-z]+)-[0-9a-f]{17}\b")
# Times, process ids and random names in the keys of Pulumi's state.
_MARKS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{6,}")


# Prefixes of the actions that only read: those of the APIs, and S3's methods.
_READING = ("Describe", "Get", "List", "GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    `caller` is its access key; AWS treats requests with the same `token` as one call. `shape` is the key of
    all calls that differ only in the ids of their objects.
    """

    caller: str
    service: str
    action: str
    key: str
    token: str = ""
    shape: str = ""

    @property
    def changes(self) -> bool:
        """Report whether the call may change something."""
        return not self.action.startswith(_READING)


def call_of(environ: Mapping[str, Any], body: bytes) -> Call | None:
    """Return the call of a request; None if it is not signed, as every call of AWS is."""
    signature = Signature.of(environ)
    if signature is None:
        return None
    if signature.service == "s3":
        return _s3(signature, environ)
    action, parameters = _target(environ, body) if environ.get("HTTP_X_AMZ_TARGET") else _form(body)
    lasting = json.dumps(sorted((name, value) for name, value in parameters.items() if name not in VOLATILE))
    named = _MADE_UP.sub("-#", lasting)
    key, shape = (
        f"{signature.service}:{action}:{_digest(text)}" for text in (named, _ID.sub(r"\1-#", named))
    )
    return Call(
        signature.access_key, signature.service, action, key, str(parameters.get("ClientToken", "")), shape
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _target(environ: Mapping[str, Any], body: bytes) -> tuple[str, dict[str, Any]]:
    """Read the action from the header, as the JSON protocols do."""
    parameters: dict[str, Any] = json.loads(body or b"{}")
    return str(environ["HTTP_X_AMZ_TARGET"]).rpartition(".")[2], parameters


def _form(body: bytes) -> tuple[str, dict[str, Any]]:
    parameters: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return str(parameters.get("Action", "?")), parameters


def _s3(signature: Signature, environ: Mapping[str, Any]) -> Call:
    path = str(environ.get("PATH_INFO") or "/")
    asked = sorted(
        name
        for name, _ in parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
        if name != "x-id"
    )
    action = " ".join([str(environ["REQUEST_METHOD"]), *asked])
    service = STATE if path.split("/")[1] == STATE_BUCKET else "s3"
    key = f"{service}:{action}:{_MADE_UP.sub('-#', _MARKS.sub('#', path))}"
    return Call(signature.access_key, service, action, key, shape=key)
