"""List EBS volumes and snapshots, and tell which volumes a launch made."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.config.naming import STACK_TAG

from .resources import Item, ids
from .session import Session, pages, tags_of

# How the tags of the program and of AWS itself begin.
OWN_TAGS = ("Name", "microcosm:", "aws:")


def volumes(session: Session, stack: str) -> Iterator[Item]:
    ec2 = session.client("ec2")
    entries = [*pages(ec2, "describe_volumes", "Volumes")]
    tagged = any(STACK_TAG in tags_of(entry) for entry in entries)
    own = (
        {
            str(entry["SnapshotId"])
            for entry in pages(ec2, "describe_snapshots", "Snapshots", OwnerIds=["self"])
        }
        if tagged
        else set[str]()
    )
    for entry in entries:
        if item := _volume(entry):
            yield replace(item, inherits_tag=STACK_TAG in item.tags and not _was_launched(entry, own))


def _was_launched(entry: Mapping[str, Any], own_snapshots: set[str]) -> bool:
    """Whether RunInstances made a volume: the only way in which the program makes one.

    Its `volumeTags` reach every volume that is ever attached to the machine (hashicorp/terraform#18860), and
    snapshots hand their tags on where a backup copies them: the tag alone does not tell whose a volume is. A
    launch makes it of the image's snapshot, which is not this account's, and to be deleted with its machine,
    which AttachVolume never says (EC2 API reference, EbsInstanceBlockDevice). A driver or a backup adds tags
    of its own.
    """
    if attachments := entry.get("Attachments"):
        return any(attachment.get("DeleteOnTermination") for attachment in attachments)
    others = [key for key in tags_of(entry) if not key.startswith(OWN_TAGS)]
    return bool(entry.get("SnapshotId")) and entry["SnapshotId"] not in own_snapshots and not others


def _volume(entry: Mapping[str, Any]) -> Item | None:
    # A deleted volume can stay in this state for several minutes (EC2 API reference, DeleteVolume), and costs
    # nothing.
    if entry["State"] in ("deleting", "deleted"):
        return None
    tags = tags_of(entry)
    return Item(
        kind="volume", id=entry["VolumeId"], name=tags.get("Name", ""), tags=tags, state=str(entry["State"]),
        zone=entry["AvailabilityZone"],
        belongs_to=ids(*(attachment.get("InstanceId") for attachment in entry.get("Attachments", ()))),
        created=entry["CreateTime"].timestamp(), sku=f"ebs/{entry['VolumeType']}", units=float(entry["Size"]),
    )  # fmt: skip


def snapshot(entry: Mapping[str, Any]) -> Item:
    tags = tags_of(entry)
    return Item(
        kind="snapshot", id=entry["SnapshotId"], name=tags.get("Name", ""), tags=tags,
        state=str(entry.get("State", "")),
        belongs_to=ids(entry.get("VolumeId")), sku="snapshot", units=float(entry.get("VolumeSize", 0)),
    )  # fmt: skip
