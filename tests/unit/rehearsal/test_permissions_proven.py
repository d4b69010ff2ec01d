"""What a trial of the permissions has proven is not tried again."""

from rehearsal.scenarios.permissions.permission import Permission
from rehearsal.scenarios.permissions.proven import Proven

FIRST, SECOND = Permission("Look", "ec2:DescribeVpcs"), Permission("Make", "ec2:CreateVpc")
NEEDS = {FIRST: "up", SECOND: "down"}


def test_a_trial_goes_on_where_it_was_broken_off(tmp_path):
    path = tmp_path / "permissions" / "0123456789.jsonl"
    Proven(path).add(FIRST, 3)
    again = Proven(path)
    assert (again.left_of(NEEDS), again.runs) == ({SECOND: "down"}, 3)
    assert Proven(tmp_path / "another").left_of(NEEDS) == NEEDS


def test_a_trial_of_changed_code_keeps_nothing():
    trial = Proven(None)
    trial.add(FIRST, 3)
    assert (trial.left_of(NEEDS), trial.runs) == (NEEDS, 3)
