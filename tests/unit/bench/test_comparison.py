"""Series of runs and their order."""

from bench.comparison import Series, in_turn
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
