"""Call AWS with the instance role's credentials, at the public host names.

botocore signs and urllib3 sends: boto3's clients would use more memory than the rest of the stand-in.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib3.exceptions import HTTPError

from rehearsal.windows_node import metadata
from rehearsal.windows_node.errors import StandinError

_CREDENTIALS_SECONDS = 600.0  # shorter than a session, which lasts an hour
_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_NONE: Mapping[str, str] = {}
_SIGNERS = {"ssm": SigV4Auth, "s3": S3SigV4Auth}


class AwsError(StandinError):
    """AWS refused the call or did not answer."""


@dataclass
class Aws:
    """SSM and S3 of one region for one instance."""

    region: str
    ca_file: Path | None = None
    _role: metadata.RoleCredentials | None = field(default=None, init=False)
    _expires: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(
            ca_certs=str(self.ca_file) if self.ca_file else None, timeout=_TIMEOUT, retries=False
        )

    def read_parameter(self, name: str) -> str:
        """Return the decrypted value of a parameter."""
        return self._ssm("GetParameter", {"Name": name, "WithDecryption": True})["Parameter"]["Value"]

    def write_parameter(self, name: str, value: str) -> None:
        """Overwrite an existing parameter."""
        self._ssm("PutParameter", {"Name": name, "Value": value, "Type": "String", "Overwrite": True})

    def read_object(self, bucket: str, key: str) -> bytes:
        """Return the content of an S3 object."""
        return self._send("s3", "GET", f"https://{bucket}.s3.{self.region}.amazonaws.com/{key}")

    def _ssm(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonSSM.{action}"}
        return json.loads(
            self._send(
                "ssm", "POST", f"https://ssm.{self.region}.amazonaws.com/", headers, json.dumps(body).encode()
            )
        )

    def _send(
        self, service: str, method: str, url: str, headers: Mapping[str, str] = _NONE, body: bytes = b""
    ) -> bytes:
        signed = self._sign(service, AWSRequest(method, url, headers=headers, data=body))
        what = f"{headers.get('X-Amz-Target', method)} {url}"
        try:
            answer = self._pool.request(method, url, headers=signed, body=body)
        except HTTPError as error:
            raise AwsError(f"{what}: {error}") from error
        if answer.status != 200:
            raise AwsError(f"{what}: {answer.status} {answer.data.decode(errors='replace')[:300]}")
        return answer.data

    def _sign(self, service: str, request: AWSRequest) -> dict[str, str]:
        """Sign the request and return its headers."""
        role = self._credentials()
        keys = Credentials(role.access_key, role.secret_key, role.session_token)
        _SIGNERS[service](keys, service, self.region).add_auth(request)
        return dict(request.headers)

    def _credentials(self) -> metadata.RoleCredentials:
        if self._role is None or time.monotonic() > self._expires:
            self._role = metadata.role_credentials()
            self._expires = time.monotonic() + _CREDENTIALS_SECONDS
        return self._role
