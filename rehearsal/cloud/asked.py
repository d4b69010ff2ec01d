"""What IAM is asked when a call comes in: actions, each on a resource, with what conditions may look at.

Mostly one action, named like the call. Some calls need more than their own: tags given at creation, or a role handed to a
service. The tables hold what this project's policies distinguish; any other call is asked about the resource `*`.
Source: the Service Authorization Reference, and where it is silent the pages cited beside the tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from moto.iam.models import iam_backends
from moto.ssm.models import ssm_backends

from rehearsal.cloud import asked_ec2
from rehearsal.cloud.asked_ec2 import PARTITION, Asked, Form
from rehearsal.cloud.settings import ACCOUNT
from rehearsal.cloud.signature import Signature

Environ = Mapping[str, Any]
# The name that a request is signed for, where IAM has another.
PREFIXES = {"tagging": "tag"}


def asked(signature: Signature, environ: Environ, body: bytes) -> Iterator[Asked]:
    """All that must be allowed for a call to go through."""
    if signature.service == "s3":
        return _s3(environ, body)
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return _json_call(signature, target.rpartition(".")[2], json.loads(body or b"{}"))
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    return FORM_CALLS.get(signature.service, _any_call)(signature, form)


# --- services that speak JSON -----------------------------------------------------------------------------

# Where Systems Manager's calls name their parameters.
PARAMETER_NAMES = ("Name", "Names", "Path", "ResourceId")


def _json_call(signature: Signature, name: str, request: Mapping[str, Any]) -> Iterator[Asked]:
    named = [request[key] for key in PARAMETER_NAMES if key in request] if signature.service == "ssm" else []
    names = [each for value in named for each in (value if isinstance(value, list) else [value])]
    resources = [_parameter_arn(signature.region, each) for each in names] or ["*"]
    if signature.service == "kms" and "KeyId" in request:
        resources = [_key_arn(signature.region, request["KeyId"])]
    actions = [f"{PREFIXES.get(signature.service, signature.service)}:{name}"]
    # Seen at https://github.com/pepperize/cdk-ssm-parameters-cross-region/issues/442
    actions += ["ssm:AddTagsToResource"] if name == "PutParameter" and request.get("Tags") else []
    for action in actions:
        yield from (Asked(action, resource) for resource in resources)
    if signature.service == "ssm":
        yield from _key_questions(signature.region, name, names, request)


def _key_questions(region: str, call: str, names: Iterable[str], request: Mapping[str, Any]) -> Iterator[Asked]:
    """Ask for the key of a SecureString, which Systems Manager uses in the caller's name; AWS's own key lets in the whole account.

    Source: Systems Manager user guide, "How AWS Systems Manager Parameter Store uses AWS KMS" (standard parameters: Encrypt and Decrypt;
    the encryption context is PARAMETER_ARN); KMS developer guide, kms:ViaService.
    """
    for name in names:
        if call == "PutParameter":
            action, key = "kms:Encrypt", request.get("KeyId")
        else:
            known = ssm_backends[ACCOUNT][region].get_parameter(name) if request.get("WithDecryption") else None
            action, key = "kms:Decrypt", known.keyid if known else None
        if key and not key.startswith("alias/aws/"):
            via = {"kms:ViaService": f"ssm.{region}.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": _parameter_arn(region, name)}
            yield Asked(action, _key_arn(region, key), via)


def _key_arn(region: str, key: str) -> str:
    return key if key.startswith("arn:") else f"arn:{PARTITION}:kms:{region}:{ACCOUNT}:key/{key}"


def _parameter_arn(region: str, name: str) -> str:
    """AWS's own parameters belong to no account (Systems Manager user guide, "Working with public parameters")."""
    account = "" if name.startswith("/aws/") else ACCOUNT
    return f"arn:{PARTITION}:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


# --- IAM --------------------------------------------------------------------------------------------------

# Tags given at creation: https://github.com/openshift/installer/issues/1073 (roles),
# https://github.com/hashicorp/terraform-provider-aws/issues/25470 (instance profiles).
TAG_ACTIONS = {"CreateRole": "iam:TagRole", "CreateInstanceProfile": "iam:TagInstanceProfile"}


def _iam(signature: Signature, form: Form) -> Iterator[Asked]:
    name = form.get("Action", "unknown")
    role, profile = form.get("RoleName"), form.get("InstanceProfileName")
    resource = _iam_arn("instance-profile", profile) if profile else _iam_arn("role", role) if role else "*"
    yield Asked(f"iam:{name}", resource, _boundary(name, form))
    if name in TAG_ACTIONS and any(key.startswith("Tags.") for key in form):
        yield Asked(TAG_ACTIONS[name], resource)
    # "The caller of this operation must be granted the PassRole permission" (IAM API reference, AddRoleToInstanceProfile).
    if name == "AddRoleToInstanceProfile" and role:
        yield asked_ec2.pass_role(role)


# Service Authorization Reference, IAM: the calls of this project that show a policy the boundary of the role (iam:PermissionsBoundary).
BOUNDED = ("CreateRole", "DeleteRolePolicy", "PutRolePolicy")


def _boundary(name: str, form: Form) -> dict[str, str]:
    """The boundary that a new role is to have, or that a role has."""
    if name not in BOUNDED:
        return {}
    roles = iam_backends[ACCOUNT][PARTITION].roles.values()
    known = next((role.permissions_boundary_arn for role in roles if role.name == form.get("RoleName")), None)
    arn = form.get("PermissionsBoundary") if name == "CreateRole" else known
    return {"iam:PermissionsBoundary": arn} if arn else {}


def _iam_arn(kind: str, name: str) -> str:
    return f"arn:{PARTITION}:iam::{ACCOUNT}:{kind}/{name}"


def _any_call(signature: Signature, form: Form) -> Iterator[Asked]:
    yield Asked(f"{PREFIXES.get(signature.service, signature.service)}:{form.get('Action', 'unknown')}")


FORM_CALLS = {"iam": _iam, "ec2": asked_ec2.asked}


# --- S3 ---------------------------------------------------------------------------------------------------

OBJECT_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
BUCKET_ACTIONS = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
# Calls about a part of a bucket or an object, by the one word of their query; Amazon S3 user guide, "Required permissions for API operations".
PARTS = {
    ("GET", "tagging"): "GetBucketTagging", ("PUT", "tagging"): "PutBucketTagging", ("GET", "location"): "GetBucketLocation",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock", ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "encryption"): "PutEncryptionConfiguration", ("GET", "encryption"): "GetEncryptionConfiguration", ("POST", "delete"): "DeleteObject",
    ("GET", "versions"): "ListBucketVersions", ("GET", "versioning"): "GetBucketVersioning",
}  # fmt: skip
_BUCKET_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-].*amazonaws\.com")


def _s3(environ: Environ, body: bytes) -> Iterator[Asked]:
    """S3 names the bucket in the host or first in the path."""
    host = _BUCKET_HOST.match(environ["HTTP_HOST"])
    place = environ["PATH_INFO"].lstrip("/")
    place = f"{host['bucket']}/{place}" if host else place
    bucket, _, key = place.partition("/")
    if not bucket:
        yield Asked("s3:ListAllMyBuckets")
        return
    resource = f"arn:{PARTITION}:s3:::{bucket}"
    if key:
        yield from _object_call(environ, f"{resource}/{key}")
        return
    method = environ["REQUEST_METHOD"]
    words = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    part = next((PARTS[method, word] for word in words if (method, word) in PARTS), None)
    if part == "DeleteObject":
        yield from (Asked("s3:DeleteObject", f"{resource}/{name}") for name in re.findall(r"<Key>(.*?)</Key>", body.decode()))
        return
    yield Asked(f"s3:{part or BUCKET_ACTIONS.get(method, 'unknown')}", resource)


def _object_call(environ: Environ, resource: str) -> Iterator[Asked]:
    method = environ["REQUEST_METHOD"]
    of_tags = "tagging" in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    action = OBJECT_ACTIONS.get(method, "unknown")
    yield Asked(f"s3:{action}{'Tagging' if of_tags else ''}", resource)
    # "To specify tags, you must have s3:PutObjectTagging" (S3 API reference, PutObject).
    if "HTTP_X_AMZ_TAGGING" in environ:
        yield Asked("s3:PutObjectTagging", resource)
