"""The Pester tests of this folder: a test of pytest a file, which names those that failed."""

import pytest

from . import pester

# walks.Tests.ps1 is run by what reads its results.
OWN = tuple(name for name in pester.test_files() if name not in ("walks", "sweeps"))

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)


@pytest.mark.parametrize("file", [*OWN, "sweeps"])
def test_pester(file: str):
    report = pester.run("sample", ("sweeps",)) if file == "sweeps" else pester.run("own", OWN)
    count, failed = pester.failures(report, file)
    assert count, f"{file}.Tests.ps1 ran no test"
    assert failed == []
