"""The Pester tests of this folder: a test of pytest a file, which names those that failed."""

import pytest

from . import pester

# Other tests read what walks.Tests.ps1 writes, so it is a run of its own. test_powershell_sweeps.py has the states.
APART = {"walks": "walks", "sweeps": "sample"}
OWN = tuple(name for name in pester.test_files() if name not in {*APART, *pester.STATES})

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)


@pytest.mark.parametrize("file", [*OWN, *APART])
def test_pester(file: str):
    report = pester.run(APART[file], (file,)) if file in APART else pester.run("own", OWN)
    count, failed = pester.failures(report, file)
    assert count, f"{file}.Tests.ps1 ran no test"
    assert failed == []
