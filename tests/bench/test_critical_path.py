"""The model of the bring-up on EC2: its longest chain is the longest, and it names only steps that are there."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.critical_path import ENDS, STEPS, Step, longest, run, won
from bench.settings import Settings


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Step]:
    """Any plan whose steps wait only for earlier ones."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 6)))]
    plan: dict[str, Step] = {}
    for index, name in enumerate(names):
        after = tuple(draw(st.sets(st.sampled_from(names[:index])))) if index else ()
        low = draw(st.integers(0, 100))
        plan[name] = Step(after, low, low + draw(st.integers(0, 100)), "")
    return plan


def every_chain(plan: dict[str, Step], end: str) -> list[list[str]]:
    return [[*chain, end] for before in plan[end].after for chain in every_chain(plan, before)] or [[end]]


@given(plan=plans(), high=st.booleans())
def test_no_chain_takes_longer_than_the_longest(plan, high):
    end = next(reversed(plan))
    times = [sum(plan[name].high if high else plan[name].low for name in chain) for chain in every_chain(plan, end)]
    found = longest(plan, end, high=high)
    assert found.seconds == max(times)
    assert sum(plan[name].high if high else plan[name].low for name in found.steps) == found.seconds


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("high", [False, True])
def test_a_chain_goes_from_step_to_step(end, high):
    steps = longest(STEPS, end, high=high).steps
    assert steps[-1] == end
    assert all(before in STEPS[after].after for before, after in pairwise(steps))


def test_no_step_is_shorter_at_its_longest():
    assert all(0 <= step.low <= step.high and step.source for step in STEPS.values())


@given(plan=plans())
def test_a_step_off_the_longest_chain_wins_nothing(plan):
    end = next(reversed(plan))
    chain = longest(plan, end, high=True)
    for name in plan.keys() - set(chain.steps):
        assert won(plan, name, end, high=True) == 0


def test_the_page_says_that_it_is_a_model():
    text = run(Settings(repeats=1, tell=lambda _: None))
    assert "not a measurement" in text
    assert all(f"| {end} |" in text for end in ENDS)
