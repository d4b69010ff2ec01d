"""Enforce the signature, the session and the policies of instance roles, as AWS does.

moto can enforce IAM, but evaluates every policy for the resource `*`, so a policy that names its parameters
would allow nothing. Calls with the operator's keys, which have no session token, are not checked.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from wsgiref.types import WSGIApplication
from xml.sax.saxutils import escape

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from rehearsal.fake_aws import policy
from rehearsal.fake_aws.asked import required_permissions
from rehearsal.fake_aws.asked_ec2 import PARTITION, Required
from rehearsal.fake_aws.settings import ACCOUNT
from rehearsal.fake_aws.signature import Signature

Environ = dict[str, Any]
ALWAYS_ALLOWED = ("sts:GetCallerIdentity",)
# The older services have other names for the error codes of the JSON services.
EC2_CODES = {
    "AccessDeniedException": "UnauthorizedOperation",
    "InvalidSignatureException": "SignatureDoesNotMatch",
}
S3_CODES = {"AccessDeniedException": "AccessDenied", "InvalidSignatureException": "SignatureDoesNotMatch"}


@dataclass(frozen=True, slots=True)
class Denied(Exception):
    """A refusal with AWS's code and text."""

    code: str
    message: str


class RoleSessions:
    """WSGI middleware around moto.

    It writes each required permission of a role into a journal, one line of JSON each.

    The file `ahead` holds the seconds by which AWS's clock is ahead of the machines' clocks.
    """

    def __init__(self, application: WSGIApplication, journal: Path, ahead: Path) -> None:
        self._application = application
        self._journal = journal
        self._ahead = ahead

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if "HTTP_X_AMZ_SECURITY_TOKEN" in environ:
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(body)
            try:
                self._authorise(environ, body)
            except Denied as denied:
                return _refuse(environ, start_response, denied)
        return self._application(environ, start_response)

    def _authorise(self, environ: Environ, body: bytes) -> None:
        """Raise Denied unless the session may make this call."""
        signature = Signature.of(environ)
        session = authenticate(signature, environ, body, self._now())
        assert signature
        documents, boundary = [*_policies(role_of(session))], _boundary(role_of(session))
        answers = [
            (permission, is_allowed(documents, permission, boundary))
            for permission in required_permissions(signature, environ, body)
        ]
        with self._journal.open("a") as journal:
            journal.writelines(
                json.dumps({"role": role_of(session), "allowed": allowed, **asdict(each)}) + "\n"
                for each, allowed in answers
            )
        if denied := next((permission for permission, allowed in answers if not allowed), None):
            raise refusal(session, denied)

    def _now(self) -> datetime:
        seconds = float(self._ahead.read_text()) if self._ahead.exists() else 0.0
        return datetime.now(UTC) + timedelta(seconds=seconds)


def authenticate(signature: Signature | None, environ: Environ, body: bytes, now: datetime) -> Any:
    """Return the session that made this call; raise Denied if there is none or it has expired."""
    session = signature and _session(signature.access_key, environ["HTTP_X_AMZ_SECURITY_TOKEN"])
    if not (signature and session):
        raise Denied("UnrecognizedClientException", "The security token included in the request is invalid.")
    if session.expiration < utcnow() or _is_of_a_terminated_instance(session):
        raise Denied("ExpiredTokenException", "The security token included in the request is expired")
    if skew := signature.skew(now):
        raise Denied("InvalidSignatureException", skew)
    if not signature.is_of(session.secret_access_key, environ, body):
        raise Denied(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )
    return session


def is_allowed(
    documents: Iterable[Mapping[str, Any]], permission: Required, boundary: Mapping[str, Any] | None = None
) -> bool:
    """Report whether the policies allow it, and the boundary too if there is one (IAM user guide,
    "Permissions boundaries for IAM entities").
    """
    if permission.action in ALWAYS_ALLOWED:
        return True
    judges = [documents, *([[boundary]] if boundary is not None else [])]
    return all(
        policy.allows(judge, permission.action, permission.resource, permission.context) for judge in judges
    )


def refusal(session: Any, permission: Required) -> Denied:
    call = f"{permission.action} on resource: {permission.resource}"
    message = f"User: {session.arn} is not authorized to perform: {call}"
    return Denied(
        "AccessDeniedException",
        f"{message} because no identity-based policy allows the {permission.action} action",
    )


def role_of(session: Any) -> str:
    return session.role_arn.rpartition("/")[2]


def _session(access_key: str, token: str) -> Any:
    sessions = sts_backends[ACCOUNT][PARTITION].assumed_roles
    return next(
        (each for each in sessions if each.access_key_id == access_key and each.session_token == token), None
    )


def _is_of_a_terminated_instance(session: Any) -> bool:
    """Report whether the session's instance has ended.

    EC2 names the session of an instance's role after the instance.

    AWS calls an instance `terminated` when its machine is off (EC2 User Guide, "Amazon EC2 instance state
    changes"). moto does so at once, while the machine still ends: a report that it sends then would bring
    back a parameter that Pulumi has deleted.
    """
    named = session.session_name
    found = (
        (backend.get_instance_by_id(named) for backend in ec2_backends[ACCOUNT].values())
        if named.startswith("i-")
        else ()
    )
    return any(instance.state == "terminated" for instance in found if instance)


def _policies(role_name: str) -> Iterator[dict[str, Any]]:
    role: Any = iam_backends[ACCOUNT][PARTITION].get_role(role_name)
    for document in role.policies.values():
        yield json.loads(unquote(document))
    for attached in role.managed_policies.values():
        yield _document(attached)


def _document(managed: Any) -> dict[str, Any]:
    return json.loads(
        next(
            version.document
            for version in managed.versions
            if version.version_id == managed.default_version_id
        )
    )


def _boundary(role_name: str) -> dict[str, Any] | None:
    """Return the policy that bounds a role; a missing one allows nothing."""
    iam = iam_backends[ACCOUNT][PARTITION]
    arn = iam.get_role(role_name).permissions_boundary_arn
    if not arn:
        return None
    bounding = iam.managed_policies.get(arn)
    return _document(bounding) if bounding else {"Statement": []}


def _refuse(environ: Environ, start_response: Any, denied: Denied) -> list[bytes]:
    """Answer in the protocol of the call: JSON with a target header, otherwise XML, which S3 writes without
    an envelope.
    """
    if "HTTP_X_AMZ_TARGET" in environ:
        start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps({"__type": denied.code, "message": denied.message}).encode()]
    start_response("403 Forbidden", [("Content-Type", "text/xml")])
    of_s3 = "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", "")
    code = (S3_CODES if of_s3 else EC2_CODES).get(denied.code, denied.code)
    error = f"<Error><Code>{code}</Code><Message>{escape(denied.message)}</Message></Error>"
    return [
        (
            error if of_s3 else f"<Response><Errors>{error}</Errors><RequestID>denied</RequestID></Response>"
        ).encode()
    ]
