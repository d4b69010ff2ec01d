"""Parsing of Pulumi's output by the steps, and what a scenario is made of."""

import pytest

from rehearsal.scenarios import life

UP = """Updating (rehearsal):
 +  aws:ec2:Vpc rehearsal-vpc created

Resources:
    + 70 created
    3 unchanged

Duration: 50s
"""


def test_the_summary_is_what_pulumi_says_it_did():
    assert life._summary(UP) == "+ 70 created, 3 unchanged"


@pytest.mark.parametrize("name", life.SCENARIOS)
def test_every_scenario_begins_by_listing_what_was_there(name):
    assert life.SCENARIOS[name][0].act is life.preview, "the audit compares with this listing"


@pytest.mark.parametrize("name", ["life", "bad-checksum"])
def test_what_is_not_kept_ends_with_destroy_and_audit(name):
    assert [step.act for step in life.SCENARIOS[name][-2:]] == [life.destroy, life.audit]


def test_the_first_step_that_fails_ends_the_scenario():
    seen = []

    def fail(run):
        raise RuntimeError("no")

    steps = (
        life.Step("a", "", lambda run: "fine"),
        life.Step("b", "", fail),
        life.Step("c", "", lambda run: seen.append("c")),
    )
    run = life.Run(session=None, say=print, tell=print)
    with pytest.raises(RuntimeError):
        life.play(steps, run, lambda step: None, lambda step, seconds, text: seen.append(step.name))
    assert seen == ["a"]
    assert list(run.seconds) == ["a"]
