"""Return errors as each service does: status, code and format of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.fake_aws.calls import STATE

_DETAIL = "<Code>{code}</Code><Message>{message}</Message>"
_QUERY = f"<ErrorResponse><Error><Type>Sender</Type>{_DETAIL}</Error><RequestId>0</RequestId></ErrorResponse>"
_EC2 = f"<Response><Errors><Error>{_DETAIL}</Error></Errors><RequestID>0</RequestID></Response>"
_S3 = f"<Error>{_DETAIL}<RequestId>0</RequestId></Error>"
_JSON = '{{"__type": "{code}", "message": "{message}"}}'
# Status, code and format per service. Sources: "Common errors" and the error lists in the API references of
# EC2, IAM and STS, Systems Manager (botocore retries the same codes: botocore/data/_retry.json), and S3.
_WORDS: Mapping[str, Mapping[str, tuple[int, str, str]]] = {
    "ec2": {"internal": (500, "InternalError", _EC2), "throttle": (503, "RequestLimitExceeded", _EC2)},
    "iam": {"internal": (500, "ServiceFailure", _QUERY), "throttle": (400, "Throttling", _QUERY)},
    "sts": {"internal": (500, "InternalFailure", _QUERY), "throttle": (400, "Throttling", _QUERY)},
    "ssm": {"internal": (500, "InternalServerError", _JSON), "throttle": (400, "ThrottlingException", _JSON)},
    "s3": {"internal": (500, "InternalError", _S3), "throttle": (503, "SlowDown", _S3)},
}


def error_answer(service: str, kind: str, message: str, start_response: Any) -> Iterable[bytes]:
    """Answer a call of `service` with its "internal" or "throttle" error."""
    status, code, shape = _WORDS["s3" if service == STATE else service][kind]
    start_response(
        f"{status} {code}", [("Content-Type", "application/json" if shape is _JSON else "text/xml")]
    )
    return [shape.format(code=code, message=message).encode()]
