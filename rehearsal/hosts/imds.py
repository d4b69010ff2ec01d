"""Answer requests to the instance metadata service, version 2.

No sockets here.

Paths and answers follow
docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rehearsal.hosts.model import Credentials, Instance, Launch

SESSION_PATH = "/latest/api/token"
SESSION_HEADER = "x-aws-ec2-metadata-token"
TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"
LONGEST_TTL = 21600

_VERSIONS = ("2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest")
_PATH = re.compile(rf"/(?:{'|'.join(_VERSIONS)})/(?P<rest>.*)")

# A folder maps names to entries; the entry "" replaces the listing of its names.
Tree = Mapping[str, "Tree | bytes | str"]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])  # names in lower case


@dataclass(frozen=True, slots=True)
class Response:
    """A response. `hop_limited` marks the token, whose packets have the instance's hop limit as TTL."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    hop_limited: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """The metadata of one instance."""

    instance: Instance
    launch: Launch = field(default_factory=Launch)
    credentials: Credentials | None = None


class Tokens:
    """Session tokens that need no storage: each carries its expiry and a signature over expiry and
    instance.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, instance_id: str, ttl: int, now: datetime) -> str:
        expiry = str(int((now + timedelta(seconds=ttl)).timestamp()))
        return f"{expiry}.{self._signature(instance_id, expiry)}"

    def valid(self, token: str, instance_id: str, now: datetime) -> bool:
        expiry, _, signature = token.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signature(instance_id, expiry).encode())
        return genuine and now.timestamp() < int(expiry)

    def _signature(self, instance_id: str, expiry: str) -> str:
        return hmac.new(self._secret, f"{instance_id} {expiry}".encode(), hashlib.sha256).hexdigest()


def answer(request: Request, facts: Facts | None, tokens: Tokens, now: datetime) -> Response:
    """Return the service's response to a request from this instance's address."""
    if facts is None:
        return Response(404)
    if not facts.instance.metadata.enabled:
        return Response(403)
    if request.path == SESSION_PATH and request.method == "PUT":
        return _token(request, facts.instance.id, tokens, now)
    if request.method not in ("GET", "HEAD"):
        return Response(405)
    if not _authorized(request, facts.instance, tokens, now):
        return Response(401)
    return _found(request.path, facts)


def _token(request: Request, instance_id: str, tokens: Tokens, now: datetime) -> Response:
    if "x-forwarded-for" in request.headers:
        return Response(403)
    ttl = request.headers.get(TTL_HEADER, "")
    if not ttl.isdecimal() or not 1 <= int(ttl) <= LONGEST_TTL:
        return Response(400)
    return Response(
        200, tokens.issue(instance_id, int(ttl), now).encode(), {TTL_HEADER: ttl}, hop_limited=True
    )


def _authorized(request: Request, instance: Instance, tokens: Tokens, now: datetime) -> bool:
    token = request.headers.get(SESSION_HEADER)
    if token is None:
        return not instance.metadata.tokens_required
    return tokens.valid(token, instance.id, now)


def _found(path: str, facts: Facts) -> Response:
    if path == "/":
        return Response(200, "\n".join(_VERSIONS).encode())
    match = _PATH.fullmatch(path)
    if not match:
        return Response(404)
    body = _lookup(_tree(facts), match["rest"])
    return Response(404) if body is None else Response(200, body)


def _lookup(tree: Tree, path: str) -> bytes | None:
    node: Tree | bytes | str | None = tree
    for name in path.split("/"):
        if not name:
            continue
        node = node.get(name) if isinstance(node, Mapping) else None
    if isinstance(node, Mapping):
        return _listing(node)
    return node.encode() if isinstance(node, str) else node


def _listing(folder: Tree) -> bytes:
    own = folder.get("")
    if isinstance(own, str):
        return own.encode()
    return "\n".join(name + "/" * isinstance(node, Mapping) for name, node in sorted(folder.items())).encode()


def _tree(facts: Facts) -> Tree:
    document = json.dumps(_identity(facts.instance), indent=2)
    tree: dict[str, Tree | bytes | str] = {
        "dynamic": {"instance-identity": {"document": document}},
        "meta-data": _meta_data(facts),
    }
    if facts.launch.user_data:
        tree["user-data"] = facts.launch.user_data
    return tree


def _identity(instance: Instance) -> dict[str, str | None]:
    return {
        "accountId": instance.account,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "privateIp": str(instance.private_ip),
        "region": instance.region,
        "version": "2017-09-30",
    }


def _meta_data(facts: Facts) -> Tree:
    instance = facts.instance
    name = f"{instance.hostname}.{instance.domain}"
    return {
        "ami-id": instance.image_id,
        "ami-launch-index": "0",
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": "/dev/sda1", "root": "/dev/sda1"},
        "hostname": name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": name,
        "local-ipv4": str(instance.private_ip),
        "mac": instance.mac,
        "network": {"interfaces": {"macs": {instance.mac: _interface(instance)}}},
        "placement": {"availability-zone": instance.zone, "region": instance.region},
        "profile": "default-hvm",
        "reservation-id": instance.reservation_id,
        "security-groups": "\n".join(name for _, name in instance.security_groups),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
        **_public_address(instance),
        **_public_keys(instance, facts.launch),
        **_iam(instance, facts.credentials),
        **({"tags": {"instance": dict(instance.tags)}} if instance.metadata.tags else {}),
    }


def _interface(instance: Instance) -> Tree:
    return {
        "device-number": "0",
        "interface-id": instance.interface_id,
        "local-hostname": f"{instance.hostname}.{instance.domain}",
        "local-ipv4s": str(instance.private_ip),
        "mac": instance.mac,
        "owner-id": instance.account,
        "security-group-ids": "\n".join(id for id, _ in instance.security_groups),
        "security-groups": "\n".join(name for _, name in instance.security_groups),
        "subnet-id": instance.subnet.id,
        "subnet-ipv4-cidr-block": str(instance.subnet.cidr),
        "vpc-id": instance.subnet.vpc_id,
        "vpc-ipv4-cidr-block": str(instance.subnet.vpc_cidr),
        "vpc-ipv4-cidr-blocks": str(instance.subnet.vpc_cidr),
        **({"public-ipv4s": instance.public_ip} if instance.public_ip else {}),
    }


def _public_address(instance: Instance) -> Tree:
    return {"public-ipv4": instance.public_ip} if instance.public_ip else {}


def _public_keys(instance: Instance, launch: Launch) -> Tree:
    if not launch.public_key:
        return {}
    return {"public-keys": {"": f"0={instance.key_name}", "0": {"openssh-key": launch.public_key}}}


def _iam(instance: Instance, credentials: Credentials | None) -> Tree:
    if not credentials:
        return {}
    issued = _time(credentials.issued)
    info = {
        "Code": "Success",
        "LastUpdated": issued,
        "InstanceProfileArn": instance.profile_arn,
        "InstanceProfileId": instance.profile_id,
    }
    secret = {
        "Code": "Success",
        "LastUpdated": issued,
        "Type": "AWS-HMAC",
        "AccessKeyId": credentials.access_key,
        "SecretAccessKey": credentials.secret_key,
        "Token": credentials.token,
        "Expiration": _time(credentials.expires),
    }
    return {
        "iam": {
            "info": json.dumps(info, indent=2),
            "security-credentials": {credentials.role: json.dumps(secret, indent=2)},
        }
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
