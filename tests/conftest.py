"""Settings of every test: how thorough it is, and that it is quick.

By default a sweep takes a few steps and a property a few dozen examples. `pytest --thorough` takes all of
them: minutes.
"""

import gc
from pathlib import Path

import hypothesis
import pytest

from tests.support import built_tools
from tests.support.remember import remember
from tests.windows import pester

# No deadline: the machine may be busy with a rehearsal.
hypothesis.settings.register_profile("quick", max_examples=50, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=5000, deadline=None)

TESTS = Path(__file__).resolve().parent
# `make test` leaves the tests that start servers or engines, import moto, or run whole scripts to `make
# test-served`, and stays quick enough to be run before every commit; CI runs both.
SERVED = ("integration/", "windows/test_powershell_sweeps.py")


# These read what a run of PowerShell leaves.
AFTER_POWERSHELL = ("test_data.py", "test_versions_rows.py")


def is_served(path: Path) -> bool:
    return path.is_file() and path.relative_to(TESTS).as_posix().startswith(SERVED)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A module that has nothing to run is not imported either: moto alone takes seconds."""
    if not collection_path.name.startswith("test_"):
        return None
    wanted = config.option.markexpr
    unwanted = (
        not is_served(collection_path)
        if wanted == "served"
        else "not served" in wanted and is_served(collection_path)
    )
    return True if unwanted else None


def pytest_addoption(parser):
    parser.addoption(
        "--thorough",
        action="store_true",
        help="every step of every sweep, and 5,000 examples of every property",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: a step of a sweep that only --thorough takes")
    if config.option.markexpr == "engine":
        built_tools.put_on_path()
    hypothesis.settings.load_profile("thorough" if config.getoption("--thorough") else "quick")
    if not hasattr(config, "workerinput"):
        pester.make_folder()


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        pester.remove_folder()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if is_served(item.path):
            item.add_marker(pytest.mark.served)
    # One process runs PowerShell, which takes the longest; the other one must not wait for what it leaves.
    items.sort(
        key=lambda item: (
            0 if item.path.name == "test_powershell.py" else 2 if item.path.name in AFTER_POWERSHELL else 1
        )
    )
    if not config.getoption("--thorough"):
        slow = {item for item in items if item.get_closest_marker("slow")}
        config.hook.pytest_deselected(items=[*slow])
        items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(terminalreporter):
    if not pester.PWSH:
        terminalreporter.write_line(f"The Windows scripts were not run. {pester.WITHOUT}")


def pytest_collection_finish():
    """The SDKs are a million objects that nobody throws away, and the collector would walk them again and
    again: 0.2 s each time.
    """
    remember()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def pytest_sessionfinish():
    """pytest collects garbage at its end, to tell what is still open; the caches of the tests are not
    meant.
    """
    gc.freeze()
