"""The model of a Windows node on EC2."""

import re

import pytest

from bench.critical_path import PATHS, STEPS, run
from bench.settings import Settings


def test_every_figure_has_a_source_that_can_be_looked_up() -> None:
    """A source names a page with its date, a user guide, or a repository with commit or number."""
    found = re.compile(r"\d{4}-\d\d-\d\d|user guide|[\w-]+/[\w-]+(#\d+| [0-9a-f]{7})")
    assert all(found.search(step.source) for step in STEPS.values())
    assert all(0 < step.low <= step.high for step in STEPS.values())


@pytest.mark.parametrize("end", PATHS)
def test_an_end_is_the_sum_of_its_steps(end: str) -> None:
    text = run(Settings(repeats=1, log=lambda _: None))
    low, high = (sum(getattr(STEPS[step], bound) for step in PATHS[end]) / 60 for bound in ("low", "high"))
    assert f"| {end} | {' + '.join(PATHS[end])} | {low:.0f} to {high:.0f} |" in text
    assert "not a measurement" in text
