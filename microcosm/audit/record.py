"""The record of a living stack: its ids, so that an audit can look for them when no tag
tells.

A record grows with every look at a living stack and is closed by the audit that finds nothing; the next life
of the same stack starts a new one. It holds ids only, no secret.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from .. import files
from ..errors import UsageError
from ..pulumi_cli.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The ids of each kind, where they were, and the time in which the stack was seen alive (Unix
    seconds).
    """

    ids: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    zones: frozenset[str] = frozenset()
    first_seen: float | None = None
    last_seen: float | None = None
    closed: float | None = None

    @property
    def all_ids(self) -> frozenset[str]:
        return frozenset[str]().union(*self.ids.values())

    def merged(self, other: "Record") -> "Record":
        """Both together; a closed record has nothing to say of a new life."""
        if self.closed is not None:
            return other
        kinds = {*self.ids, *other.ids}
        firsts = [seen for seen in (self.first_seen, other.first_seen) if seen is not None]
        lasts = [seen for seen in (self.last_seen, other.last_seen) if seen is not None]
        return Record(
            ids={kind: self.ids.get(kind, frozenset()) | other.ids.get(kind, frozenset()) for kind in kinds},
            zones=self.zones | other.zones,
            first_seen=min(firsts, default=None),
            last_seen=max(lasts, default=None),
        )

    def closed_at(self, moment: float) -> "Record":
        return replace(self, closed=moment)


def default_path(target: Target, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the record of a stack is kept: the user's state directory."""
    state = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "microcosm" / f"{target.stack}.{target.region}.json"


def load(path: Path, required: bool = False) -> Record | None:
    """The record in a file; None when there is no such file and none was asked for."""
    if not path.exists() and not required:
        return None
    try:
        document = cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
        return Record(
            ids={kind: frozenset(ids) for kind, ids in document["ids"].items()},
            zones=frozenset(document["zones"]),
            first_seen=document["firstSeen"],
            last_seen=document["lastSeen"],
            closed=document["closed"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(
            f"{path} is not a record of a stack ({type(problem).__name__}: {problem}): name another with "
            f"--record, or delete it"
        ) from problem


def save(path: Path, record: Record) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    document = {
        "ids": {kind: sorted(ids) for kind, ids in sorted(record.ids.items()) if ids},
        "zones": sorted(record.zones),
        "firstSeen": record.first_seen,
        "lastSeen": record.last_seen,
        "closed": record.closed,
    }
    files.replace(path, json.dumps(document, indent=2))


# Pulumi's type tokens of what infra/ declares, by the kind an audit knows them as.
PULUMI_KINDS = {
    "aws:ec2/instance:Instance": "instance", "aws:ec2/eip:Eip": "elastic IP",
    "aws:ebs/volume:Volume": "volume",
    "aws:ec2/networkInterface:NetworkInterface": "network interface",
    "aws:ec2/securityGroup:SecurityGroup": "security group",
    "aws:ec2/subnet:Subnet": "subnet", "aws:ec2/routeTable:RouteTable": "route table",
    "aws:ec2/internetGateway:InternetGateway": "internet gateway", "aws:ec2/vpc:Vpc": "VPC",
    "aws:ec2/keyPair:KeyPair": "key pair",
    "aws:ec2/launchTemplate:LaunchTemplate": "launch template", "aws:iam/role:Role": "IAM role",
    "aws:iam/instanceProfile:InstanceProfile": "instance profile", "aws:ssm/parameter:Parameter": "SSM "
                                                                                                  "parameter",
    "aws:s3/bucket:Bucket": "S3 bucket", "aws:cloudwatch/logGroup:LogGroup": "log group",
}  # fmt: skip


def from_pulumi_state(path: Path) -> Record:
    """A record out of what `pulumi stack export` printed, or a checkpoint file of a self-managed backend."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        latest = document["checkpoint"]["latest"] if "checkpoint" in document else document["deployment"]
        return of_resources(latest.get("resources") or [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(
            f"{path} is not a Pulumi state ({type(problem).__name__}: {problem}): it must be what `pulumi "
            f"stack export` printed"
        ) from problem


def of_resources(resources: Iterable[Mapping[str, Any]]) -> Record:
    """A record out of the resources of a Pulumi state."""
    ids: dict[str, set[str]] = {}
    zones: set[str] = set()
    moments: list[float] = []
    for resource in resources:
        if resource["type"].startswith("aws:") and resource.get("id"):
            for kind, identifier in _ids_of(resource):
                ids.setdefault(kind, set()).add(identifier)
            zones |= {zone for zone in [resource.get("outputs", {}).get("availabilityZone")] if zone}
            moments += [
                datetime.fromisoformat(resource[key]).timestamp()
                for key in ("created", "modified")
                if resource.get(key)
            ]
    return Record(
        ids={kind: frozenset(found) for kind, found in ids.items()},
        zones=frozenset(zones),
        first_seen=min(moments, default=None),
        last_seen=max(moments, default=None),
    )


def _ids_of(resource: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """A resource's own id, and those of the parts that AWS made with it."""
    outputs = resource.get("outputs", {})
    yield PULUMI_KINDS.get(resource["type"], "other"), resource["id"]
    if resource["type"] == "aws:ec2/instance:Instance":
        disk = (outputs.get("rootBlockDevice") or {}).get("volumeId")
        interface = outputs.get("primaryNetworkInterfaceId")
        yield from (
            (kind, str(part)) for kind, part in (("volume", disk), ("network interface", interface)) if part
        )
