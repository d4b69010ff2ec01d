"""rehearsal/build/later.py: a build beside the rehearsal is shown, waited for, and ended with its
compilers.
"""

import subprocess
import time
from collections.abc import Callable

import pytest

from rehearsal.build.errors import SuppliesError
from rehearsal.build.later import Later


def started(say: Callable[[str], None], command: list[str], *, downloads: bool = False) -> Later:
    return Later(say, downloads=downloads, command=command)


@pytest.mark.parametrize(("downloads", "setting"), [(True, "download"), (False, "build")])
def test_it_takes_the_way_of_the_first_part(downloads: bool, setting: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUPPLIES", "auto")
    shown: list[str] = []
    started(shown.append, ["sh", "-c", "echo $SUPPLIES"], downloads=downloads).wait()
    assert shown == [setting]


def test_a_failed_build_is_told_with_its_last_lines():
    later = started(lambda line: None, ["sh", "-c", "echo error: no space left; exit 3"])
    with pytest.raises(SuppliesError, match=r"exit code 3:\nerror: no space left"):
        later.wait()


def test_a_rehearsal_that_ends_ends_the_build_and_its_compilers():
    shown: list[str] = []
    later = started(shown.append, ["sh", "-c", "sleep 600 & echo $!; wait"])
    deadline = time.monotonic() + 10
    while not shown and time.monotonic() < deadline:
        time.sleep(0.01)
    later.stop()
    deadline = time.monotonic() + 10
    while _lives(shown[0]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(shown[0])


def _lives(pid: str) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False
    ).stdout
    return bool(state) and not state.startswith("Z")
