"""rehearsal/build/way.py: whether supplies are downloaded or built, and what the person at the terminal is
told.
"""

import pytest

from rehearsal.build.way import Way, choose, reached
from tests.support.publisher import serving

PROBES = ("https://dl.k8s.io/x", "https://github.com/x")


def decided(
    setting: str = "", *, built: bool = False, downloaded: bool = False, problem: str = ""
) -> tuple[Way, list[str]]:
    tried: list[str] = []

    def reach(url: str) -> str:
        tried.append(url)
        return problem if "github" in url else ""

    way = choose(
        built=lambda: built,
        downloaded=lambda: downloaded,
        probes=lambda: PROBES,
        environ={"SUPPLIES": setting},
        reach=reach,
    )
    return way, sorted(tried)


@pytest.mark.parametrize("setting", ["", "auto"])
def test_what_is_there_is_used_and_no_publisher_is_asked(setting: str):
    assert decided(setting, built=True)[0].downloads is False
    assert decided(setting, downloaded=True)[0].downloads is True
    assert decided(setting, built=True, downloaded=True) == (
        Way(downloads=False, reason="all of them are there"),
        [],
    )


def test_supplies_are_downloaded_where_all_publishers_answer():
    way, tried = decided()
    assert (way.downloads, tried) == (True, [*PROBES])
    assert (
        str(way)
        == "supplies are downloaded from their publishers: all 2 publishers answer (SUPPLIES=build builds)"
    )


def test_one_publisher_that_is_not_reached_means_building_and_is_named():
    way, _ = decided(problem="github.com cannot be reached (ConnectTimeout)")
    assert str(way) == (
        "supplies are built from sources: github.com cannot be reached (ConnectTimeout) (SUPPLIES=download "
        "insists)"
    )


@pytest.mark.parametrize(
    ("status", "fine"), [(401, True), (302, True), (403, False), (404, False), (502, False)]
)
def test_a_proxy_that_refuses_is_not_taken_for_the_publisher(status: int, fine: bool):
    with serving() as publisher:
        publisher.failures = [status]
        problem = reached(f"{publisher.url}/v2/")
    assert bool(problem) is not fine
    assert fine or f"answers {status}" in problem
