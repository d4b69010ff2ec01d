"""The Pester tests of this folder: a test of pytest a file, which names those that failed."""

import pytest

from . import pester

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)


@pytest.mark.parametrize("file", pester.files())
def test_pester(file: str):
    count, failed = pester.failures(pester.run("own", pester.files()), file)
    assert count, f"{file}.Tests.ps1 ran no test"
    assert failed == []
