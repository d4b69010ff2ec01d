"""What the steps read out of Pulumi's output, and what a scenario is made of."""

import pytest

from rehearsal import scenario

UP = """Updating (rehearsal):
 +  aws:ec2:Vpc rehearsal-vpc created

Resources:
    + 70 created
    3 unchanged

Duration: 50s
"""


def test_the_summary_is_what_pulumi_says_it_did():
    assert scenario._summary(UP) == "+ 70 created, 3 unchanged"


@pytest.mark.parametrize("name", scenario.SCENARIOS)
def test_every_scenario_begins_by_listing_what_was_there(name):
    assert scenario.SCENARIOS[name][0].act is scenario.preview, "the audit compares with this listing"


@pytest.mark.parametrize("name", ["life", "bad-checksum"])
def test_what_is_not_kept_ends_with_destroy_and_audit(name):
    assert [step.act for step in scenario.SCENARIOS[name][-2:]] == [scenario.destroy, scenario.audit]


def test_the_first_step_that_fails_ends_the_scenario():
    seen = []

    def fail(run):
        raise RuntimeError("no")

    steps = (scenario.Step("a", "", lambda run: "fine"), scenario.Step("b", "", fail), scenario.Step("c", "", lambda run: seen.append("c")))
    run = scenario.Run(session=None, say=print, tell=print)
    with pytest.raises(RuntimeError):
        scenario.play(steps, run, lambda step: None, lambda step, seconds, text: seen.append(step.name))
    assert seen == ["a"]
    assert list(run.seconds) == ["a"]
