"""How each service says that a call went wrong: status, code and shape of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.cloud.calls import STATE

_QUERY = "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
_EC2 = "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>0</RequestID></Response>"
_S3 = "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
_JSON = '{{"__type": "{code}", "message": "{message}"}}'
# How each service says it: status, code, shape of the answer. From "Common errors" and the error lists of the API references of
# EC2, IAM and STS, Systems Manager (botocore retries the same codes: botocore/data/_retry.json), and S3.
_WORDS: Mapping[str, Mapping[str, tuple[int, str, str]]] = {
    "ec2": {"internal": (500, "InternalError", _EC2), "throttle": (503, "RequestLimitExceeded", _EC2)},
    "iam": {"internal": (500, "ServiceFailure", _QUERY), "throttle": (400, "Throttling", _QUERY)},
    "sts": {"internal": (500, "InternalFailure", _QUERY), "throttle": (400, "Throttling", _QUERY)},
    "ssm": {"internal": (500, "InternalServerError", _JSON), "throttle": (400, "ThrottlingException", _JSON)},
    "s3": {"internal": (500, "InternalError", _S3), "throttle": (503, "SlowDown", _S3)},
}


def error_answer(service: str, kind: str, message: str, start_response: Any) -> Iterable[bytes]:
    """Answers a call of `service` with its error of a kind: "internal" or "throttle"."""
    status, code, shape = _WORDS["s3" if service == STATE else service][kind]
    start_response(f"{status} {code}", [("Content-Type", "application/json" if shape is _JSON else "text/xml")])
    return [shape.format(code=code, message=message).encode()]
