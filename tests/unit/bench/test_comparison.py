"""Series of runs, their order, and the straight line."""

import pytest

from bench.comparison import Line, Series, in_turn
from bench.samples import Sample


def test_subjects_are_run_in_turn_and_the_first_round_is_thrown_away():
    order = []

    def subject(name):
        def run():
            order.append(name)
            return Sample(wall=len(order), cpu=0)

        return run

    first, second = in_turn({"A": subject("A"), "B": subject("B")}, 2, lambda _: None)
    assert order == ["A", "B"] * 3
    assert [sample.wall for sample in first.samples] == [3, 5]
    assert [sample.wall for sample in second.samples] == [4, 6]


def test_a_series_tells_its_least_and_its_median():
    series = Series("A", [Sample(wall=wall, cpu=10 - wall) for wall in (3, 1, 2)])
    assert (series.least("wall"), series.median("wall"), series.least("cpu")) == (1, 2, 7)


def test_a_line_goes_through_points_that_lie_on_one():
    points = {3: 3.3, 10: 4.0, 100: 13.0}
    line = Line.through(points)
    assert (line.base, line.slope) == (pytest.approx(3.0), pytest.approx(0.1))
    assert line.deviation(points) == pytest.approx(0)


def test_growth_with_the_square_is_not_taken_for_a_line():
    points = {x: 3 + 0.001 * x * x for x in (3, 10, 30, 100)}
    assert Line.through(points).deviation(points) > 0.10
