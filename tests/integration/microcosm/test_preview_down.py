"""Taking previews down, one or all that have to go, and showing that nothing is left."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from microcosm.errors import OperatorError, UsageError
from microcosm.preview import down as preview_down
from microcosm.preview.model import Preview
from microcosm.preview.recover import if_forced
from microcosm.preview.stack import StackGone, StackLocked

from .conftest import Cloud
from .fake_stacks import NOW, FakeStacks, Stack, context, lock_owner
from .test_preview_up import tags

HOUR = timedelta(hours=1)
OVER, LIVING = "2026-11-25T11:00:00Z", "2026-11-25T18:00:00Z"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's kubeconfig is the test's own."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


def previews(**expires: str) -> FakeStacks:
    """Stacks by name (with _ for -) and their ends."""
    return FakeStacks(stacks={name.replace("_", "-"): Stack(tags=tags(end)) for name, end in expires.items()})


def reap(stacks: FakeStacks, cloud: Cloud, still_open: frozenset[int] | None = None) -> dict[str, str]:
    outcomes = preview_down.reap(context(stacks, cloud.session), still_open, 3 * HOUR)
    return {outcome.stack: outcome.result for outcome in outcomes}


def leave_a_vpc(cloud: Cloud, stack: str, tagged: bool) -> str:
    mark = [{"ResourceType": "vpc", "Tags": [{"Key": "microcosm:stack", "Value": stack}]}] if tagged else []
    return cloud.client("ec2").create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=mark)["Vpc"]["VpcId"]


def test_down_destroys_looks_and_forgets_in_that_order(cloud: Cloud) -> None:
    stacks = previews(pr_7=LIVING)
    assert preview_down.down(context(stacks, cloud.session), 7, None, if_forced(False)) == "eu-west-1"
    assert [call[0] for call in stacks.calls] == ["destroy", "remove"]
    assert stacks.names() == []


def test_down_takes_what_carries_the_previews_tag_though_no_state_knows_it(cloud: Cloud) -> None:
    stacks = previews(pr_7=LIVING)
    vpc = leave_a_vpc(cloud, "pr-7", tagged=True)
    preview_down.down(context(stacks, cloud.session), 7, None, if_forced(False))
    assert vpc not in {each["VpcId"] for each in cloud.client("ec2").describe_vpcs()["Vpcs"]}


def test_a_preview_of_which_something_is_left_is_not_forgotten(cloud: Cloud) -> None:
    """Only the state knows an object without the stack's tag; it stays, and the next reaper fails too."""
    stacks = previews(pr_7=LIVING)
    vpc = leave_a_vpc(cloud, "pr-7", tagged=False)
    stacks.stacks["pr-7"].resources.append(
        {"type": "aws:ec2/vpc:Vpc", "urn": "urn:pulumi:pr-7::p::aws:ec2/vpc:Vpc::v", "id": vpc}
    )
    with pytest.raises(
        OperatorError,
        match=f"1 objects are left .VPC {vpc}.: see `microcosm audit --stack pr-7 --region eu-west-1`",
    ):
        preview_down.down(context(stacks, cloud.session), 7, None, if_forced(False))
    assert stacks.names() == ["pr-7"]


def test_what_aws_still_lists_for_a_while_after_its_deletion_is_waited_for(cloud: Cloud) -> None:
    """EC2 and Systems Manager are eventually consistent: they list deleted objects for a while."""
    stacks, slept = previews(pr_7=LIVING), []
    vpc = leave_a_vpc(cloud, "pr-7", tagged=False)
    stacks.stacks["pr-7"].resources.append(
        {"type": "aws:ec2/vpc:Vpc", "urn": "urn:pulumi:pr-7::p::aws:ec2/vpc:Vpc::v", "id": vpc}
    )

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            cloud.client("ec2").delete_vpc(VpcId=vpc)

    preview_down.down(replace(context(stacks, cloud.session), sleep=sleep), 7, None, if_forced(False))
    assert (stacks.names(), slept) == ([], [preview_down.POLL_SECONDS] * 3)


def test_down_takes_the_cluster_out_of_the_kubeconfig(cloud: Cloud, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("contexts: [{name: microcosm-pr-7, context: {}}, {name: prod, context: {}}]\n")
    preview_down.down(context(previews(pr_7=LIVING), cloud.session), 7, None, if_forced(False))
    assert "microcosm-pr-7" not in config.read_text()
    assert "prod" in config.read_text()


def test_down_of_what_is_no_preview_is_misuse(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="there is no preview pr-9"):
        preview_down.down(context(previews(pr_7=LIVING), cloud.session), 9, None, if_forced(False))


def test_down_of_a_locked_preview_says_who_has_it(cloud: Cloud) -> None:
    stacks = previews(pr_7=LIVING)
    stacks.stacks["pr-7"].lock_owners.append(lock_owner(since=NOW - HOUR))
    with pytest.raises(
        StackLocked, match=r"ci@runner-7 \(process 4711\) since 2026-11-25 11:00:00 UTC \(1h 00m ago\)"
    ):
        preview_down.down(context(stacks, cloud.session), 7, None, if_forced(False))
    assert stacks.calls == []


def test_a_region_is_found_in_the_state_when_no_tag_tells_it(cloud: Cloud) -> None:
    """A run was killed between the first tag and the second."""
    stacks = FakeStacks(stacks={"pr-7": Stack()})
    with pytest.raises(OperatorError, match="the region of pr-7 is unknown: name it with --region"):
        preview_down.down(context(stacks, cloud.session), 7, None, if_forced(False))
    stacks.stacks["pr-7"].resources.append(
        {"type": "pulumi:providers:aws", "urn": "u", "id": "x", "inputs": {"region": "eu-west-1"}}
    )
    assert preview_down.down(context(stacks, cloud.session), 7, None, if_forced(False)) == "eu-west-1"


def test_the_reaper_takes_what_has_expired_and_nothing_else(cloud: Cloud) -> None:
    """Other stacks of the project are not previews."""
    stacks = previews(pr_1=OVER, pr_2=LIVING, dev=OVER)
    assert reap(stacks, cloud) == {"pr-1": "destroyed"}
    assert stacks.names() == ["dev", "pr-2"]


def test_the_reaper_takes_what_belongs_to_no_open_pull_request(cloud: Cloud) -> None:
    stacks = previews(pr_1=LIVING, pr_2=LIVING, pr_3=OVER)
    assert reap(stacks, cloud, frozenset({2, 3})) == {"pr-1": "destroyed", "pr-3": "destroyed"}
    assert stacks.names() == ["pr-2"]


def test_one_broken_stack_does_not_keep_the_others(cloud: Cloud) -> None:
    """Whatever its trouble is."""
    stacks = previews(pr_1=OVER, pr_2=OVER, pr_3=OVER, pr_4=OVER)
    troubles = {
        "pr-2": OperatorError("the subnet has dependencies"),
        "pr-3": ZeroDivisionError("a defect"),
        "pr-4": StackGone("gone"),
    }

    def destroy(stack: str) -> None:
        if stack in troubles:
            raise troubles[stack]

    stacks.on_destroy = destroy
    assert reap(stacks, cloud) == {
        "pr-1": "destroyed",
        "pr-2": "failed",
        "pr-3": "failed",
        "pr-4": "destroyed",
    }


@pytest.mark.parametrize(("age", "result"), [(2 * HOUR, "busy"), (4 * HOUR, "destroyed")])
def test_the_reaper_leaves_a_stack_to_the_run_that_has_it_unless_no_run_takes_so_long(
    cloud: Cloud, age: timedelta, result: str
) -> None:
    stacks = previews(pr_1=OVER)
    stacks.stacks["pr-1"].lock_owners.append(lock_owner(since=NOW - age))
    assert reap(stacks, cloud) == {"pr-1": result}


def test_a_preview_without_an_end_is_a_failure_until_its_pull_request_is_closed(cloud: Cloud) -> None:
    """The reaper does not guess an expiry; it reports the preview."""
    stacks = FakeStacks(stacks={"pr-1": Stack(tags={"microcosm:region": "eu-west-1"})})
    assert reap(stacks, cloud, frozenset({1})) == {"pr-1": "failed"}
    assert reap(stacks, cloud, frozenset()) == {"pr-1": "destroyed"}


def test_a_dry_run_changes_nothing(cloud: Cloud) -> None:
    stacks = previews(pr_1=OVER)
    (outcome,) = preview_down.reap(context(stacks, cloud.session), None, 3 * HOUR, dry_run=True)
    assert (outcome.result, outcome.why) == ("due", "expired 1h 00m ago")
    assert stacks.calls == []


@pytest.mark.parametrize(("seconds", "gone"), [(-1, False), (0, True), (1, True)])
def test_an_end_is_reached_to_the_second(seconds: int, gone: bool) -> None:
    each = Preview(pr=1, expires=NOW)
    assert bool(preview_down.due([each], NOW + timedelta(seconds=seconds), None)) is gone
