"""Return the permissions that a call requires: actions, each on a resource, with the keys of conditions.

Most calls require one action with the name of the call; some require more, for tags at creation or for a role
that is passed to a service. The tables have the distinctions of this project's policies; other calls require
their action on the resource `*`. Source: the Service Authorization Reference, and the pages cited beside the
tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from moto.iam.models import iam_backends
from moto.ssm.models import ssm_backends

from rehearsal.fake_aws import asked_ec2
from rehearsal.fake_aws.asked_ec2 import PARTITION, Form, Required
from rehearsal.fake_aws.settings import ACCOUNT
from rehearsal.fake_aws.signature import Signature

Environ = Mapping[str, Any]
# The service names of request signatures for which IAM has another prefix.
PREFIXES = {"tagging": "tag"}


def required_permissions(signature: Signature, environ: Environ, body: bytes) -> Iterator[Required]:
    """Return all permissions that a call requires."""
    if signature.service == "s3":
        return _s3(environ, body)
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return _json_call(signature, target.rpartition(".")[2], json.loads(body or b"{}"))
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    return FORM_CALLS.get(signature.service, _any_call)(signature, form)


# --- services that speak JSON -----------------------------------------------------------------------------

# The parameters with which Systems Manager's calls name their objects.
PARAMETER_NAMES = ("Name", "Names", "Path", "ResourceId")


def _json_call(signature: Signature, name: str, request: Mapping[str, Any]) -> Iterator[Required]:
    named = [request[key] for key in PARAMETER_NAMES if key in request] if signature.service == "ssm" else []
    names = [each for value in named for each in (value if isinstance(value, list) else [value])]
    resources = [_parameter_arn(signature.region, each) for each in names] or ["*"]
    if signature.service == "kms" and "KeyId" in request:
        resources = [_key_arn(signature.region, request["KeyId"])]
    actions = [f"{PREFIXES.get(signature.service, signature.service)}:{name}"]
    # Source: https://github.com/pepperize/cdk-ssm-parameters-cross-region/issues/442
    actions += ["ssm:AddTagsToResource"] if name == "PutParameter" and request.get("Tags") else []
    for action in actions:
        yield from (Required(action, resource) for resource in resources)
    if signature.service == "ssm":
        yield from _key_permissions(signature.region, name, names, request)


def _key_permissions(
    region: str, call: str, names: Iterable[str], request: Mapping[str, Any]
) -> Iterator[Required]:
    """Require the key of a SecureString, which Systems Manager uses in the caller's name; AWS's own key
    admits the account.

    Source: Systems Manager user guide, "How AWS Systems Manager Parameter Store uses AWS KMS" (standard
    parameters: Encrypt and Decrypt; the encryption context is PARAMETER_ARN); KMS developer guide,
    kms:ViaService.
    """
    for name in names:
        if call == "PutParameter":
            action, key = "kms:Encrypt", request.get("KeyId")
        else:
            known = (
                ssm_backends[ACCOUNT][region].get_parameter(name) if request.get("WithDecryption") else None
            )
            action, key = "kms:Decrypt", known.keyid if known else None
        if key and not key.startswith("alias/aws/"):
            via = {
                "kms:ViaService": f"ssm.{region}.amazonaws.com",
                "kms:EncryptionContext:PARAMETER_ARN": _parameter_arn(region, name),
            }
            yield Required(action, _key_arn(region, key), via)


def _key_arn(region: str, key: str) -> str:
    return key if key.startswith("arn:") else f"arn:{PARTITION}:kms:{region}:{ACCOUNT}:key/{key}"


def _parameter_arn(region: str, name: str) -> str:
    """Return the ARN; AWS's own parameters belong to no account (Systems Manager user guide, "Working with
    public parameters").
    """
    account = "" if name.startswith("/aws/") else ACCOUNT
    return f"arn:{PARTITION}:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


# --- IAM --------------------------------------------------------------------------------------------------

# Tags given at creation: https://github.com/openshift/installer/issues/1073 (roles),
# https://github.com/hashicorp/terraform-provider-aws/issues/25470 (instance profiles).
TAG_ACTIONS = {"CreateRole": "iam:TagRole", "CreateInstanceProfile": "iam:TagInstanceProfile"}


def _iam(signature: Signature, form: Form) -> Iterator[Required]:
    name = form.get("Action", "unknown")
    role, profile = form.get("RoleName"), form.get("InstanceProfileName")
    resource = _iam_arn("instance-profile", profile) if profile else _iam_arn("role", role) if role else "*"
    yield Required(f"iam:{name}", resource, _boundary(name, form))
    if name in TAG_ACTIONS and any(key.startswith("Tags.") for key in form):
        yield Required(TAG_ACTIONS[name], resource)
    # "The caller of this operation must be granted the PassRole permission" (IAM API reference,
    # AddRoleToInstanceProfile).
    if name == "AddRoleToInstanceProfile" and role:
        yield asked_ec2.pass_role(role)


# Calls of this project whose policies see the boundary of the role as iam:PermissionsBoundary (Service
# Authorization Reference, IAM).
BOUNDED = ("CreateRole", "DeleteRolePolicy", "PutRolePolicy")


def _boundary(name: str, form: Form) -> dict[str, str]:
    """Return the boundary that a new role gets or an existing role has."""
    if name not in BOUNDED:
        return {}
    roles = iam_backends[ACCOUNT][PARTITION].roles.values()
    known = next((role.permissions_boundary_arn for role in roles if role.name == form.get("RoleName")), None)
    arn = form.get("PermissionsBoundary") if name == "CreateRole" else known
    return {"iam:PermissionsBoundary": arn} if arn else {}


def _iam_arn(kind: str, name: str) -> str:
    return f"arn:{PARTITION}:iam::{ACCOUNT}:{kind}/{name}"


def _any_call(signature: Signature, form: Form) -> Iterator[Required]:
    yield Required(f"{PREFIXES.get(signature.service, signature.service)}:{form.get('Action', 'unknown')}")


FORM_CALLS = {"iam": _iam, "ec2": asked_ec2.required_permissions}


# --- S3 ---------------------------------------------------------------------------------------------------

OBJECT_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
BUCKET_ACTIONS = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
# Calls about a part of a bucket or an object, by the one word of their query (Amazon S3 user guide, "Required
# permissions for API operations").
PARTS = {
    ("GET", "tagging"): "GetBucketTagging",
    ("PUT", "tagging"): "PutBucketTagging",
    ("GET", "location"): "GetBucketLocation",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("POST", "delete"): "DeleteObject",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "versioning"): "GetBucketVersioning",
}
_BUCKET_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-].*amazonaws\.com")


def _s3(environ: Environ, body: bytes) -> Iterator[Required]:
    """Read the bucket from the host name or from the path."""
    host = _BUCKET_HOST.match(environ["HTTP_HOST"])
    place = environ["PATH_INFO"].lstrip("/")
    place = f"{host['bucket']}/{place}" if host else place
    bucket, _, key = place.partition("/")
    if not bucket:
        yield Required("s3:ListAllMyBuckets")
        return
    resource = f"arn:{PARTITION}:s3:::{bucket}"
    if key:
        yield from _object_call(environ, f"{resource}/{key}")
        return
    method = environ["REQUEST_METHOD"]
    words = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    part = next((PARTS[method, word] for word in words if (method, word) in PARTS), None)
    if part == "DeleteObject":
        yield from (
            Required("s3:DeleteObject", f"{resource}/{name}")
            for name in re.findall(r"<Key>(.*?)</Key>", body.decode())
        )
        return
    yield Required(f"s3:{part or BUCKET_ACTIONS.get(method, 'unknown')}", resource)


def _object_call(environ: Environ, resource: str) -> Iterator[Required]:
    method = environ["REQUEST_METHOD"]
    of_tags = "tagging" in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    action = OBJECT_ACTIONS.get(method, "unknown")
    yield Required(f"s3:{action}{'Tagging' if of_tags else ''}", resource)
    # "To specify tags, you must have s3:PutObjectTagging" (S3 API reference, PutObject).
    if "HTTP_X_AMZ_TAGGING" in environ:
        yield Required("s3:PutObjectTagging", resource)
