"""What is left of a stack, and why it counts as that stack's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microcosm.audit import report as audit_report
from microcosm.audit import search as audit
from microcosm.audit.record import Record
from microcosm.audit.search import Audit, Finding, Scope
from microcosm.aws import inventory
from microcosm.aws.prices import FREE
from microcosm.aws.resources import Item, Kind

from .conftest import REGION, STACK_TAG, TARGET, Cloud
from .overlay import Overlay

NOW = 2_000_000_000.0
SCOPE = Scope(target=TARGET)


@dataclass(frozen=True)
class Leaks:
    """The ids of what was planted beside a whole stack."""

    stack: frozenset[str]
    interface: str
    volume: str
    snapshot: str
    parameter: str


def a_whole_stack(cloud: Cloud) -> set[str]:
    """One of each kind of object, all with the stack's tag; returns their ids."""
    ec2, iam = cloud.client("ec2"), cloud.client("iam")
    vpc = cloud.vpc()
    subnet = cloud.subnet(vpc)
    gateway = ec2.create_internet_gateway(TagSpecifications=cloud.tags("internet-gateway"))[
        "InternetGateway"
    ]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=cloud.tags("route-table"))["RouteTable"][
        "RouteTableId"
    ]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    groups = [
        ec2.create_security_group(
            GroupName=n, Description="d", VpcId=vpc, TagSpecifications=cloud.tags("security-group")
        )["GroupId"]
        for n in "ab"
    ]
    for group, other in (groups, reversed(groups)):
        rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": other}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    instance = cloud.machine("linux-0", SubnetId=subnet)
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=cloud.tags("elastic-ip"))["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=instance)
    ec2.create_key_pair(KeyName="dev-key", TagSpecifications=cloud.tags("key-pair"))
    iam.create_role(RoleName="dev-role", AssumeRolePolicyDocument="{}", Tags=[STACK_TAG])
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}]}'
    )
    iam.put_role_policy(RoleName="dev-role", PolicyName="p", PolicyDocument=policy)
    iam.create_instance_profile(InstanceProfileName="dev-profile", Tags=[STACK_TAG])
    iam.add_role_to_instance_profile(InstanceProfileName="dev-profile", RoleName="dev-role")
    cloud.client("ssm").put_parameter(
        Name="/microcosm/dev/join", Value="x", Type="SecureString", Tags=[STACK_TAG]
    )
    cloud.client("logs").create_log_group(
        logGroupName="/microcosm/dev/console", tags={STACK_TAG["Key"]: "dev"}
    )
    bucket = "microcosm-dev-staging"
    cloud.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    cloud.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [STACK_TAG]})
    cloud.client("s3").put_object(Bucket=bucket, Key="worker.ps1", Body=b"#")
    named = {"dev-key", "dev-role", "dev-profile", "/microcosm/dev/join", "/microcosm/dev/console", bucket}
    return {vpc, subnet, gateway, table, *groups, instance, address, *named}


def with_leaks(cloud: Cloud) -> Leaks:
    """A whole stack, and by hand: an untagged interface, a volume with its snapshot, and a parameter."""
    stack = a_whole_stack(cloud)
    ec2 = cloud.client("ec2")
    subnet = next(item for item in stack if item.startswith("subnet-"))
    instance = next(item for item in stack if item.startswith("i-"))
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=80, VolumeType="gp3")["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    cloud.parameter("planted", "x")
    return Leaks(
        stack=frozenset(stack),
        interface=ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"],
        volume=volume,
        snapshot=ec2.create_snapshot(VolumeId=volume)["SnapshotId"],
        parameter="/microcosm/dev/planted",
    )


def somebody_elses(cloud: Cloud) -> None:
    """Make what must never be found: another stack's objects, and nobody's."""
    ec2 = cloud.client("ec2")
    ec2.create_vpc(
        CidrBlock="10.9.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [STACK_TAG | {"Value": "dev-2"}]}],
    )
    ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)
    cloud.client("ssm").put_parameter(Name="/microcosm/dev-2/join", Value="x", Type="String")
    cloud.client("iam").create_role(RoleName="dev-of-others", AssumeRolePolicyDocument="{}")
    cloud.client("logs").create_log_group(logGroupName="/microcosm/dev-2/console")


def found(result: Audit) -> dict[str, Finding]:
    return {finding.item.id: finding for finding in result.findings}


def test_every_kind_of_object_is_found_by_its_tag_and_nobody_elses(cloud: Cloud) -> None:
    """The stack's own are all there, with the disk and interface that came with the instance, and nothing
    more.
    """
    somebody_elses(cloud)
    stack = a_whole_stack(cloud)
    result = audit.audit(cloud.session, SCOPE, NOW)
    assert stack <= set(found(result))
    extra = {finding.item.kind for identifier, finding in found(result).items() if identifier not in stack}
    assert extra == {"volume", "network interface"}
    assert result.complete
    assert not result.clean


def test_planted_leaks_without_a_tag_are_found_for_what_they_belong_to(cloud: Cloud) -> None:
    """Tags alone would miss each of these."""
    leaks = with_leaks(cloud)
    seen = found(audit.audit(cloud.session, SCOPE, NOW))
    assert seen[leaks.interface].evidence.startswith("belongs to subnet-")
    assert seen[leaks.volume].evidence.startswith("belongs to i-")
    assert seen[leaks.snapshot].evidence == f"belongs to {leaks.volume}"
    assert seen[leaks.parameter].evidence == "under the stack's path"


def test_a_detached_disk_is_recognised_by_the_record_of_the_living_stack(cloud: Cloud) -> None:
    """Once its instance is gone, only the id that was written down tells whose it was."""
    leaks = with_leaks(cloud)
    record = audit.record_of(audit.audit(cloud.session, SCOPE, NOW))
    ec2 = cloud.client("ec2")
    ec2.terminate_instances(InstanceIds=[next(item for item in leaks.stack if item.startswith("i-"))])
    assert leaks.volume not in found(audit.audit(cloud.session, SCOPE, NOW))
    seen = found(audit.audit(cloud.session, replace(SCOPE, record=record), NOW))
    assert (seen[leaks.volume].evidence, seen[leaks.volume].suspect) == ("recorded", False)


def test_a_vpc_that_lost_its_tag_is_found_by_its_id(cloud: Cloud) -> None:
    """--vpc leads to all that is in it."""
    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = cloud.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
    assert audit.audit(cloud.session, SCOPE, NOW).clean
    seen = found(audit.audit(cloud.session, replace(SCOPE, vpcs=frozenset({vpc})), NOW))
    assert (seen[vpc].evidence, seen[subnet].evidence) == ("named by --vpc", f"belongs to {vpc}")


def test_an_empty_account_gives_a_receipt(cloud: Cloud) -> None:
    """When, where, by what, and each place that was looked at."""
    somebody_elses(cloud)
    result = audit.audit(cloud.session, SCOPE, NOW)
    text = audit_report.receipt(result)
    assert result.clean
    assert text.startswith(
        "0 resources left of stack dev in eu-west-1, account 123456789012, at 2033-05-18T03:33:20Z"
    )
    for kind in inventory.KINDS:
        assert kind.where in text


def test_what_is_listed_after_its_deletion_is_not_left(cloud: Cloud) -> None:
    """S3 and IAM list what is gone for a while, EC2 a disk that is going, whatever a record or a tag says
    of them.
    """
    role = {"RoleName": "dev-worker", "Path": "/"}
    disk = {
        "VolumeId": "vol-1",
        "State": "deleting",
        "AvailabilityZone": "eu-west-1a",
        "Tags": [{"Key": "microcosm:stack", "Value": "dev"}],
    }
    disk |= {"CreateTime": datetime.now(UTC), "VolumeType": "gp3", "Size": 30, "Attachments": []}
    answers: dict[str, Any] = {
        "s3.list_buckets": lambda: {"Buckets": [{"Name": "dev-staging-0a1b2c3"}]},
        "iam.list_roles": lambda: {"Roles": [role]},
        "iam.list_instance_profiles": lambda: {"InstanceProfiles": [{"InstanceProfileName": "dev-worker"}]},
        "ec2.describe_volumes": lambda: {"Volumes": [disk]},
    }
    ids = {
        "S3 bucket": frozenset({"dev-staging-0a1b2c3"}),
        "IAM role": frozenset({"dev-worker"}),
        "instance profile": frozenset({"dev-worker"}),
    }
    scope = audit.Scope(target=SCOPE.target, record=Record(ids=ids | {"volume": frozenset({"vol-1"})}))
    assert audit.audit(Overlay(cloud.session, answers), scope, NOW).findings == ()


def test_an_instance_that_is_gone_is_not_left(cloud: Cloud) -> None:
    """EC2 lists terminated instances for an hour."""
    cloud.client("ec2").terminate_instances(InstanceIds=[cloud.machine("linux-0")])
    assert "instance" not in {
        finding.item.kind for finding in audit.audit(cloud.session, SCOPE, NOW).findings
    }


def test_a_check_that_could_not_look_is_no_clean_audit(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """ "Nothing found" by somebody who may not look says nothing."""

    def denied(session: object, stack: str) -> None:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "DescribeVolumes")

    result = audit.audit(
        cloud.session, SCOPE, NOW, [Kind(name="volume", where="ec2:DescribeVolumes", list=denied)]
    )  # type: ignore[arg-type]
    assert (result.clean, result.complete, result.findings) == (False, False, ())
    audit_report.show(result)
    assert capsys.readouterr().out.startswith(
        "not looked: volume (ec2:DescribeVolumes): UnauthorizedOperation: no\nThe audit is incomplete"
    )


def volume(**changes: object) -> Item:
    """A detached, untagged disk, made while the stack of RECORD lived."""
    return replace(Item(kind="volume", id="vol-1", zone="eu-west-1a", created=1000.0), **changes)


RECORD = Record(
    ids={"instance": frozenset({"i-1"})}, zones=frozenset({"eu-west-1a"}), first_seen=900.0, last_seen=1100.0
)


@pytest.mark.parametrize(
    ("item", "is_suspect"),
    [
        (volume(), True),
        (volume(created=5.0 - audit.SLACK_SECONDS), False),
        (volume(zone="eu-west-1b"), False),
        (volume(tags={"microcosm:stack": "dev-2"}), False),
        (volume(belongs_to=frozenset({"i-of-others"})), False),
        (volume(kind="key pair"), False),
    ],
    ids=[
        "made in its time and place",
        "made before it",
        "made elsewhere",
        "another stack's",
        "in use by another",
        "no disk",
    ],
)
def test_an_unclaimed_disk_is_suspect_by_time_and_place(item: Item, is_suspect: bool) -> None:
    """A disk that nobody claims is worth a look, and is called no more than a suspect."""
    findings = audit.attribute([item], Scope(target=TARGET, record=RECORD))
    assert [finding.suspect for finding in findings] == ([True] if is_suspect else [])


def test_another_stacks_object_in_our_vpc_stays_theirs() -> None:
    """Its tag says whose it is."""
    item = Item(
        kind="network interface",
        id="eni-1",
        tags={"microcosm:stack": "dev-2"},
        belongs_to=frozenset({"vpc-1"}),
    )
    assert audit.attribute([item], Scope(target=TARGET, vpcs=frozenset({"vpc-1"}))) == []


def test_belonging_is_followed_to_its_end() -> None:
    """Instance, its disk, the disk's snapshot: in whatever order they are listed."""
    items = [
        Item(kind="snapshot", id="snap-1", belongs_to=frozenset({"vol-1"})),
        Item(kind="volume", id="vol-1", belongs_to=frozenset({"i-1"})),
        Item(kind="instance", id="i-1", tags={"microcosm:stack": "dev"}),
    ]
    evidence = {finding.item.id: finding.evidence for finding in audit.attribute(items, SCOPE)}
    assert evidence == {"i-1": "tag microcosm:stack", "vol-1": "belongs to i-1", "snap-1": "belongs to vol-1"}


def test_what_is_left_is_shown_with_its_cost(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """The sum is a lower bound as soon as one price is unknown, and another region's prices are marked."""
    item = Item(kind="volume", id="vol-1", tags={"microcosm:stack": "dev"}, sku="ebs/gp3", units=80)
    other = Item(kind="instance", id="i-1", tags={"microcosm:stack": "dev"}, sku="ec2/x9.huge/linux")
    free = Item(kind="VPC", id="vpc-1", tags={"microcosm:stack": "dev"}, sku=FREE)
    result = Audit(
        scope=SCOPE,
        account="1",
        at=NOW,
        findings=tuple(audit.attribute([item, other, free], SCOPE)),
        checks=(),
    )
    audit_report.show(result)
    shown = capsys.readouterr().out
    assert "~$6.40" in shown
    assert "3 resources left, at least ~$6.40 a month" in shown
    assert "us-east-1 prices only" in shown
    assert audit_report.document(result)["knownUsdAMonth"] == 6.4
