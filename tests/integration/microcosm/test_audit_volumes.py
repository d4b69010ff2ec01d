"""Whose a volume is: the tag alone does not tell, since it reaches what is attached to a machine and what
is made of a snapshot.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from microcosm.audit import cleanup
from microcosm.audit import search as audit
from microcosm.aws import inventory
from microcosm.aws.resources import Item

from .conftest import REGION, TARGET, Cloud
from .overlay import Overlay

SCOPE = audit.Scope(target=TARGET)
VOLUMES = [kind for kind in inventory.KINDS if kind.name == "volume"]
OURS = {"microcosm:stack": "dev", "Name": "dev-linux-0", "microcosm:node": "linux-0"}
OF_A_DRIVER = OURS | {"CSIVolumeName": "pvc-1", "ebs.csi.aws.com/cluster": "true"}


def attached(**how: Any) -> list[dict[str, Any]]:
    return [{"InstanceId": "i-1", "Device": "/dev/sda1", **how}]


def findings(
    tags: dict[str, str], snapshot: str, attachments: list[dict[str, Any]]
) -> tuple[audit.Finding, ...]:
    """Audit one volume, in an account that has one snapshot of its own."""
    volume = {
        "VolumeId": "vol-1",
        "State": "in-use" if attachments else "available",
        "AvailabilityZone": f"{REGION}a",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "CreateTime": datetime.now(UTC),
        "VolumeType": "gp3",
        "Size": 30,
        "SnapshotId": snapshot,
        "Attachments": attachments,
    }
    answers = {
        "ec2.describe_volumes": lambda **_: {"Volumes": [volume]},
        "ec2.describe_snapshots": lambda **_: {"Snapshots": [{"SnapshotId": "snap-own"}]},
        "sts.get_caller_identity": lambda: {"Account": "123456789012"},
    }
    return audit.audit(Overlay(_Nothing(), answers), SCOPE, 0.0, VOLUMES).findings


class _Nothing:
    def client(self, service_name: str) -> Any:
        return None


@pytest.mark.parametrize(
    ("tags", "snapshot", "attachments"),
    [
        (OURS, "snap-of-the-image", attached(DeleteOnTermination=True)),
        (OURS, "snap-of-the-image", []),
        (OURS | {"aws:ec2launchtemplate:id": "lt-1"}, "snap-of-the-image", []),
    ],
    ids=["the root disk of a machine", "a root disk without its machine", "tags of AWS itself"],
)
def test_a_volume_that_a_launch_made_is_the_stacks(
    tags: dict[str, str], snapshot: str, attachments: Any
) -> None:
    found = findings(tags, snapshot, attachments)
    assert [(each.evidence, each.suspect) for each in found] == [("tag microcosm:stack", False)]
    assert [item.id for item in cleanup.deletable(found, "dev")] == ["vol-1"]


@pytest.mark.parametrize(
    ("tags", "snapshot", "attachments"),
    [
        (OURS, "", attached(DeleteOnTermination=False)),
        (OURS, "", []),
        (OF_A_DRIVER, "", []),
        (OF_A_DRIVER, "snap-of-another-account", []),
        (OURS, "snap-own", []),
        (OURS, "snap-own", attached(DeleteOnTermination=False)),
        (OURS | {"aws:backup:source-resource": "x", "team": "shop"}, "snap-of-the-image", []),
    ],
    ids=[
        "a disk that was attached",
        "an empty disk that was attached once",
        "a claim's disk",
        "a claim's disk of a shared snapshot",
        "made of a tagged snapshot or of an image of this account",
        "the same, attached",
        "restored by a backup",
    ],
)
def test_a_volume_that_inherits_the_tag_is_shown_and_never_deleted(
    tags: dict[str, str], snapshot: str, attachments: Any
) -> None:
    """hashicorp/terraform#18860, #15302: `volumeTags` take in every disk that is attached to the machine."""
    found = findings(tags, snapshot, attachments)
    assert [(each.evidence, each.suspect) for each in found] == [
        ("suspect: has the tag, and no launch of the stack made it", True)
    ]
    assert cleanup.deletable(found, "dev") == []
    assert (
        audit.record_of(audit.Audit(scope=SCOPE, account="1", at=0.0, findings=found, checks=())).all_ids
        == frozenset()
    )


def test_another_stacks_volume_is_nobodys_suspect() -> None:
    assert findings(OURS | {"microcosm:stack": "dev-2"}, "", []) == ()


def test_a_machines_own_disk_and_one_that_was_attached_are_told_apart(cloud: Cloud) -> None:
    """As EC2 itself answers: AttachVolume never deletes on termination."""
    ec2 = cloud.client("ec2")
    machine = cloud.machine("linux-0")
    data = ec2.create_volume(
        AvailabilityZone=f"{REGION}a", Size=80, VolumeType="gp3", TagSpecifications=cloud.tags("volume")
    )["VolumeId"]
    ec2.attach_volume(VolumeId=data, InstanceId=machine, Device="/dev/sdf")
    found = audit.audit(cloud.session, SCOPE, 0.0, VOLUMES).findings
    assert [(each.item.id, each.suspect) for each in found if each.item.id == data] == [(data, True)]


def test_a_suspect_is_not_deleted_whatever_its_kind() -> None:
    item = Item(kind="volume", id="vol-1", tags={"microcosm:stack": "dev"}, inherits_tag=True)
    assert cleanup.deletable(audit.attribute([item], SCOPE), "dev") == []
