"""Read the instance metadata service from inside the machine's network, with IMDSv2 only."""

import json
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

_BASE = "http://169.254.169.254/latest"
_SESSION_SECONDS = "300"
_TIMEOUT_SECONDS = 5

# A proxy of the environment must not see link-local requests, which carry the role's credentials.
_open = build_opener(ProxyHandler({})).open


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleCredentials:
    """Temporary credentials of the instance's role."""

    access_key: str
    secret_key: str
    session_token: str


def user_data() -> bytes:
    """Return the user-data of the instance, as EC2Launch gets it."""
    return _get("user-data")


def role_credentials() -> RoleCredentials:
    """Return the credentials of the role in the instance profile."""
    role = _get("meta-data/iam/security-credentials/").decode().split()[0]
    answer = json.loads(_get(f"meta-data/iam/security-credentials/{role}"))
    return RoleCredentials(
        access_key=answer["AccessKeyId"],
        secret_key=answer["SecretAccessKey"],
        session_token=answer["Token"],
    )


def _may_pass(error: BaseException) -> bool:
    """Retry on every error: the role of a new instance is missing for moments (404), and the service may
    start late.
    """
    return isinstance(error, OSError)


@retry(retry=retry_if_exception(_may_pass), wait=wait_fixed(1), stop=stop_after_delay(60), reraise=True)
def _get(path: str) -> bytes:
    token = _call("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": _SESSION_SECONDS}).decode()
    return _call("GET", path, {"X-aws-ec2-metadata-token": token})


def _call(method: str, path: str, headers: dict[str, str]) -> bytes:
    request = Request(f"{_BASE}/{path}", method=method, headers=headers)  # noqa: S310 - _BASE is http
    try:
        with _open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return answer.read()
    except HTTPError as error:
        raise OSError(f"{method} {request.full_url} answered {error.code}") from error
