"""Verify AWS Signature Version 4.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TOLERANCE = timedelta(minutes=5)
MOMENT = "%Y%m%dT%H%M%SZ"
ALGORITHM = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    rf"{ALGORITHM} Credential=(?P<credential>[^,]+), ?SignedHeaders=(?P<headers>[^,]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)

Environ = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """The fields of an Authorization header."""

    access_key: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str
    moment: str

    @classmethod
    def of(cls, environ: Environ) -> Signature | None:
        """Parse the header; None if the request has no signature of this kind."""
        found = _HEADER.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None or found["credential"].count("/") != 4:
            return None
        access_key, _, region, service, _ = found["credential"].split("/")
        return cls(
            access_key,
            region,
            service,
            tuple(found["headers"].split(";")),
            found["signature"],
            environ.get("HTTP_X_AMZ_DATE", ""),
        )

    def is_of(self, secret: str, environ: Environ, body: bytes) -> bool:
        """Report whether this secret key made the signature; botocore computes the expected one."""
        signer = (S3SigV4Auth if self.service == "s3" else SigV4Auth)(
            Credentials(self.access_key, secret), self.service, self.region
        )
        # WSGI decodes the path and passes it as Latin-1 text.
        path = quote((environ.get("PATH_INFO") or "/").encode("latin-1"), safe="/-_.~")
        request = AWSRequest(
            environ["REQUEST_METHOD"],
            f"https://{environ['HTTP_HOST']}{path}?{environ.get('QUERY_STRING', '')}",
            {name: _header(environ, name) for name in self.headers},
            body,
        )
        request.context["timestamp"] = self.moment
        expected = signer.signature(
            signer.string_to_sign(request, signer.canonical_request(request)), request
        )
        return hmac.compare_digest(str(expected), self.value)

    def skew(self, now: datetime) -> str | None:
        """Return AWS's error for a signature that is too old or too new, or None (text:
        github.com/aws/aws-sdk-java/issues/1764).
        """
        signed = datetime.strptime(self.moment, MOMENT).replace(tzinfo=UTC)
        first, last = now - TOLERANCE, now + TOLERANCE
        if signed < first:
            limit = f"{first:{MOMENT}} ({now:{MOMENT}} - 5 min.)"
            return f"Signature expired: {self.moment} is now earlier than {limit}"
        if signed > last:
            limit = f"{last:{MOMENT}} ({now:{MOMENT}} + 5 min.)"
            return f"Signature not yet current: {self.moment} is still later than {limit}"
        return None


def _header(environ: Environ, name: str) -> str:
    key = name.upper().replace("-", "_")
    plain = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
    return " ".join(str(environ.get(key if plain else f"HTTP_{key}", "")).split())
