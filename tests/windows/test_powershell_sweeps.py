"""Every point of every sweep, and the states of machines: minutes, and so among the served tests."""

import pytest

from . import pester

GROUPS = {"power": "power lost*", "ended": "the script ended*", "disk": "a *"}

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)


@pytest.mark.parametrize("group", GROUPS)
def test_every_point(group: str):
    count, failed = pester.failures(pester.run(f"all-{group}", ("sweeps",), 1, GROUPS[group]), "sweeps")
    assert count > 150, "a walk has that many changes"
    assert failed == []


@pytest.mark.parametrize("file", pester.STATES)
def test_states(file: str):
    """One process runs them all, since each start of PowerShell with Pester takes seconds."""
    count, failed = pester.failures(pester.run("states", pester.STATES, 1), file)
    assert count > 10
    assert failed == []
