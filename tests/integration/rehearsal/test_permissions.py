"""The trial of the pipeline's permissions, on a pipeline that is made up; and once the real one, with its
whole policy.
"""

from pathlib import Path

import pytest

from microcosm.preview import pipeline_grants
from rehearsal.errors import RehearsalError
from rehearsal.fake_aws.asked_ec2 import Required
from rehearsal.scenarios.permissions import report
from rehearsal.scenarios.permissions.permission import GRANTS, Permission, all_permissions, document, needed
from rehearsal.scenarios.permissions.pipeline import COMMANDS, Outcome, running_pipeline
from rehearsal.scenarios.permissions.trial import Trial, first_needs, prove, shares
from tests.support import pulumi_cli

CREATE, LOOK, DELETE, TAG = (
    Permission("S", action)
    for action in ("ec2:CreateVpc", "ec2:DescribeVpcs", "ec2:DeleteVpc", "ec2:CreateTags")
)
NEEDS = {CREATE: "up", LOOK: "list", TAG: "up again", DELETE: "down"}


class MadeUp:
    """A pipeline of one VPC: its calls depend on what is there, as those of the real one do."""

    def __init__(self, superfluous: Permission | None = None) -> None:
        self.vpc = self.moved = False
        self.superfluous = superfluous
        self.log: list[tuple[str, Permission | None]] = []

    def run(self, command: str, missing: Permission | None = None) -> Outcome:
        self.log.append((command, missing))
        for permission in self.calls(command):
            if permission == missing and permission != self.superfluous:
                return Outcome(1, "denied", denied=frozenset({permission.action}))
        self.vpc = {"up": True, "down": False}.get(command, self.vpc)
        self.moved = {"extend": True, "up again": False}.get(command, self.moved)
        return Outcome(0, "")

    def calls(self, command: str) -> list[Permission]:
        if command.startswith("up"):
            return [TAG] * self.moved if self.vpc else [CREATE]
        return {"list": [LOOK], "down": [DELETE] * self.vpc}.get(command, [])


def test_every_command_fails_without_what_it_needs():
    assert prove(Trial(MadeUp()), NEEDS, lambda *_: None) == []


@pytest.mark.parametrize("permission", [*NEEDS], ids=str)
def test_a_permission_that_nothing_needs_is_found(permission):
    assert prove(Trial(MadeUp(permission)), NEEDS, lambda *_: None) == [permission]


def test_a_failure_for_another_reason_proves_nothing():
    assert Outcome(1, "", denied=frozenset({"ec2:CreateVpc"})).fails_for_want_of(CREATE)
    assert not Outcome(1, "", denied=frozenset({"ec2:CreateVpcEndpoint"})).fails_for_want_of(CREATE)
    assert not Outcome(0, "", denied=frozenset({"ec2:CreateVpc"})).fails_for_want_of(CREATE)


def test_what_is_there_is_used_and_only_made_anew_where_it_shows_nothing():
    pipeline = MadeUp()
    prove(Trial(pipeline), NEEDS, lambda *_: None)
    assert [command for command, _ in pipeline.log] == ["up", "up", "list", "extend", "up again", "down"]


def test_a_later_command_may_be_the_one_that_fails():
    assert prove(Trial(MadeUp()), {DELETE: "up"}, lambda *_: None) == []


def test_shares_hold_every_permission_once_in_the_order_of_the_commands():
    backwards = dict(reversed(NEEDS.items()))
    assert [[*share] for share in shares(backwards, 2)] == [[CREATE, TAG], [LOOK, DELETE]]


def test_a_policy_without_one_permission_lacks_just_that():
    statements = {
        statement["Sid"]: statement["Action"]
        for statement in document(Permission("TagOwn", "ec2:CreateTags"))["Statement"]
    }
    assert "TagOwn" not in statements
    assert "ec2:CreateTags" in statements["TagNew"]
    granted = sum(
        len(actions)
        for sid, actions in statements.items()
        if sid in {grant.sid for grant in GRANTS if grant.effect == "Allow"}
    )
    assert granted == len(all_permissions()) - 1


def test_only_what_alone_allows_a_call_is_needed():
    """Both grants of S3 allow to read an object of a bucket that is named like a preview's and holds the
    state.
    """
    grants = [
        pipeline_grants.Grant(sid="A", why="", actions=("s3:GetObject",)),
        pipeline_grants.Grant(sid="B", why="", actions=("s3:GetObject", "s3:PutObject")),
    ]
    assert needed(
        [Required("s3:GetObject"), Required("s3:PutObject"), Required("sts:GetCallerIdentity")], grants
    ) == {Permission("B", "s3:PutObject")}


def test_a_call_that_only_an_unproven_grant_allows_is_told():
    with pytest.raises(RehearsalError, match=r"ec2:ModifyVolume on \* is asked for, and no proven grant"):
        needed([Required("ec2:ModifyVolume")])


def test_the_report_counts_the_permissions_of_each_command():
    text = report.section(NEEDS, 6)
    assert "all 4 permissions" in text
    assert "| `down` | 1 |" in text


@pytest.mark.engine
@pytest.mark.skipif(not pulumi_cli.is_there(), reason="no pulumi on PATH")
def test_with_the_whole_policy_every_command_works_and_nothing_in_it_is_superfluous(tmp_path: Path):
    with running_pipeline(tmp_path) as pipeline:
        needs = first_needs(pipeline)
    assert set(needs) == set(all_permissions())
    assert set(needs.values()) <= set(COMMANDS)
