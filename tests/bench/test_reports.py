"""The model of the machines' reports: nothing is lost where the rate is not reached, and every last report arrives."""

import itertools

import pytest

from bench import reports


def test_launches_come_as_fast_as_ec2_takes_them():
    assert list(itertools.islice(reports.launches(), 8)) == [0, 0, 0, 0, 0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_few_machines_lose_nothing_and_wait_for_nothing(workers):
    fate = reports.simulate(workers)
    assert (fate.lost, max(fate.last)) == (0, 0)
    families = ["windows" if index % 2 else "linux" for index in range(workers)]
    assert fate.sent == sum(len(reports.PHASES[family]) + 1 for family in families)


def test_many_machines_lose_reports_but_every_last_one_arrives():
    fate = reports.simulate(300)
    assert 0 < fate.lost < fate.sent
    assert len(fate.last) == 300
    assert max(fate.last) > 0


def test_the_model_says_the_same_each_time():
    assert reports.report((10, 100)) == reports.report((10, 100))


@pytest.mark.parametrize(("script", "words"), [("linux/common.sh", "PATIENCE=5"), ("windows/plan.ps1", "LastReportSeconds = 600")])
def test_the_figures_are_those_of_the_scripts(script, words):
    from infra.userdata import SCRIPTS

    assert words in (SCRIPTS / script).read_text()
    assert (reports.PATIENCE, reports.LAST_PATIENCE["windows"]) == (5, 600)
