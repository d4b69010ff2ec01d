"""Recovery from a killed run: its lock, pending operations and orphaned resources."""

import os
import socket
import subprocess
from datetime import timedelta

import pytest

from infra.config.naming import STACK_TAG
from microcosm.preview import recover as preview_recover
from microcosm.preview.recover import if_forced
from microcosm.preview.stack import Pending, StackLocked

from .conftest import TARGET, Cloud
from .fake_stacks import NOW, FakeStacks, Stack, context, lock_owner


def dead_process() -> int:
    """The id of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
        return process.pid


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:dev::microcosm::{kind}::{name}"


def interrupted(operation: str, resources: list[dict[str, str]] | None = None) -> FakeStacks:
    pending = [Pending(urn=urn("aws:ec2/vpc:Vpc", "dev-vpc"), operation=operation)]
    return FakeStacks(stacks={"dev": Stack(pending=pending, resources=[*(resources or [])])})


def test_the_lock_of_a_process_of_this_machine_that_is_gone_is_broken_and_said(cloud: Cloud) -> None:
    """A process that has ended cannot change the stack."""
    stacks = FakeStacks(stacks={"dev": Stack(lock_owners=[lock_owner(socket.gethostname(), dead_process())])})
    logged: list[str] = []
    preview_recover.free_lock(context(stacks, cloud.session, logged), "dev", if_forced(False))
    assert stacks.calls == [("cancel", "dev")]
    assert "its process has ended without releasing it" in logged[0]


def test_a_process_that_was_killed_a_moment_ago_is_gone() -> None:
    """Its parent, killed too, has not taken notice of its end."""
    process = subprocess.Popen(["sleep", "60"])
    assert not lock_owner(socket.gethostname(), process.pid).is_gone()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert lock_owner(socket.gethostname(), process.pid).is_gone()
    process.wait()


@pytest.mark.parametrize(
    ("host", "pid"),
    [(socket.gethostname(), os.getpid()), (socket.gethostname(), 1), ("another", 4711)],
    ids=["this", "init", "another"],
)
def test_a_lock_whose_process_may_live_is_never_broken_unasked(cloud: Cloud, host: str, pid: int) -> None:
    stacks = FakeStacks(stacks={"dev": Stack(lock_owners=[lock_owner(host, pid)])})
    with pytest.raises(StackLocked):
        preview_recover.free_lock(context(stacks, cloud.session), "dev", if_forced(False))
    assert stacks.calls == []


def test_one_living_holder_among_dead_ones_keeps_the_lock(cloud: Cloud) -> None:
    """Cancelling breaks all locks of the stack."""
    stacks = FakeStacks(
        stacks={
            "dev": Stack(
                lock_owners=[lock_owner(socket.gethostname(), dead_process()), lock_owner("another")]
            )
        }
    )
    with pytest.raises(StackLocked, match="another"):
        preview_recover.free_lock(context(stacks, cloud.session), "dev", if_forced(False))


def test_a_lock_is_stale_by_an_age_that_no_run_reaches(cloud: Cloud) -> None:
    at_noon = context(FakeStacks(), cloud.session)
    may_break = preview_recover.if_older(timedelta(hours=3), at_noon)
    assert may_break(lock_owner(since=NOW - timedelta(hours=4)))
    assert not may_break(lock_owner(since=NOW - timedelta(hours=2)))


def test_what_was_made_and_not_written_down_is_deleted_and_nothing_else(cloud: Cloud) -> None:
    """Neither what the state knows, nor another stack's, nor what carries no tag."""
    known, unknown = cloud.vpc(), cloud.vpc()
    untagged = cloud.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    stacks = interrupted(
        "creating", [{"type": "aws:ec2/vpc:Vpc", "urn": urn("aws:ec2/vpc:Vpc", "other"), "id": known}]
    )
    logged: list[str] = []
    preview_recover.repair(context(stacks, cloud.session, logged), TARGET, cloud.session)
    left = {vpc["VpcId"] for vpc in cloud.client("ec2").describe_vpcs()["Vpcs"]}
    assert {known, untagged} <= left
    assert unknown not in left
    assert stacks.calls == [("forget", "dev")]
    assert logged == [
        "dev: an earlier run was interrupted during 1 operations: dev-vpc",
        f"dev: deleting 1 objects that are in no state: VPC {unknown}",
    ]


def test_rules_that_no_state_knows_are_revoked_in_groups_that_stay(cloud: Cloud) -> None:
    """A rule that exists cannot be made a second time."""
    ec2 = cloud.client("ec2")
    vpc = cloud.vpc()
    group = ec2.create_security_group(
        GroupName="g", Description="g", VpcId=vpc, TagSpecifications=cloud.tags("security-group")
    )["GroupId"]
    rules = [
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": port,
                    "ToPort": port,
                    "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                }
            ],
            TagSpecifications=cloud.tags("security-group-rule"),
        )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        for port in (80, 443)
    ]
    resources = [
        {"type": "t", "urn": urn("t", str(index)), "id": each}
        for index, each in enumerate((vpc, group, rules[0]))
    ]
    preview_recover.repair(context(interrupted("creating", resources), cloud.session), TARGET, cloud.session)
    left = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])[
        "SecurityGroupRules"
    ]
    assert [rule["SecurityGroupRuleId"] for rule in left if not rule["IsEgress"]] == [rules[0]]


@pytest.mark.parametrize(("look", "refreshed"), [(True, True), (False, False)])
def test_what_was_being_changed_is_looked_at_unless_it_goes_anyway(
    cloud: Cloud, look: bool, refreshed: bool
) -> None:
    name = urn("aws:ec2/vpc:Vpc", "dev-vpc")
    stacks = interrupted("updating", [{"type": "aws:ec2/vpc:Vpc", "urn": name, "id": "vpc-1"}])
    preview_recover.repair(context(stacks, cloud.session), TARGET, cloud.session, look)
    assert (("refresh without cluster", "dev", name) in stacks.calls) is refreshed


OBJECT = urn("microcosm:infra:Flannel$kubernetes:apps/v1:DaemonSet", "dev-flannel")
VPC = urn("aws:ec2/vpc:Vpc", "dev-vpc")


@pytest.mark.parametrize(
    ("alive", "changed", "calls"),
    [
        (True, [VPC, OBJECT], [("refresh", "dev", VPC)]),
        (True, [OBJECT], []),
        (True, [], [("refresh", "dev", VPC)]),
        (False, [VPC], [("refresh without cluster", "dev", VPC, OBJECT)]),
        (False, [], [("refresh without cluster", "dev")]),
    ],
)
def test_objects_of_a_cluster_are_looked_at_only_once_it_is_gone(
    cloud: Cloud, alive: bool, changed: list[str], calls: list[tuple[str]]
) -> None:
    """A new runner is not admitted yet: to it a living cluster is as silent as one that is gone."""
    if alive:
        cloud.machine("control-plane")
    stacks = FakeStacks(stacks={"dev": Stack(resources=[{"urn": VPC}, {"urn": OBJECT}])})
    preview_recover.refresh_reachable(context(stacks, cloud.session), TARGET, cloud.session, changed)
    assert stacks.calls == calls


def test_a_stray_of_a_run_that_was_not_killed_goes_too(cloud: Cloud) -> None:
    """AWS made it and the answer was lost: nothing is pending, and still no state knows it."""
    vpc = cloud.vpc()
    stacks = FakeStacks(stacks={"dev": Stack()})
    deleted = preview_recover.repair(context(stacks, cloud.session), TARGET, cloud.session)
    assert [row[:2] for row in deleted.rows] == [["VPC", vpc]]
    assert vpc not in {each["VpcId"] for each in cloud.client("ec2").describe_vpcs()["Vpcs"]}
    assert stacks.calls == []


def test_the_disk_and_the_interface_of_a_machine_that_the_state_knows_are_no_strays(cloud: Cloud) -> None:
    """A run that ends between launch and reading back leaves a state with the machine's id alone."""
    ids = [cloud.machine("linux-0"), cloud.machine("linux-1")]
    disks = cloud.client("ec2").describe_volumes()["Volumes"]
    cloud.client("ec2").create_tags(
        Resources=[disk["VolumeId"] for disk in disks], Tags=[{"Key": STACK_TAG, "Value": "dev"}]
    )
    resources = [
        {
            "type": "aws:ec2/instance:Instance",
            "urn": urn("aws:ec2/instance:Instance", "dev-linux-0"),
            "id": ids[0],
        }
    ]
    found = preview_recover.find_orphans(
        context(interrupted("creating", resources), cloud.session), TARGET, cloud.session, resources
    )
    assert {item.kind for item in found.resources} >= {"instance", "volume"}
    assert all(item.id == ids[1] or ids[1] in item.belongs_to for item in found.resources)


def test_nothing_is_deleted_that_nobody_agreed_to(cloud: Cloud) -> None:
    vpc = cloud.vpc()
    shown: list[object] = []

    def refuse(found: preview_recover.Orphans) -> bool:
        shown.extend(found.rows)
        return False

    deleted = preview_recover.repair(
        context(FakeStacks(stacks={"dev": Stack()}), cloud.session), TARGET, cloud.session, agree=refuse
    )
    assert not deleted
    assert shown == [["VPC", vpc, ""]]
    assert cloud.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]
