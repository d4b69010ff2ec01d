"""The figures' places in the document."""

import pytest

from bench import document
from bench.__main__ import MEASUREMENTS
from bench.comparison import Series
from bench.samples import BenchError, Sample
from rehearsal.scenarios.figures import DOCUMENT


def test_a_measurement_takes_the_place_of_the_one_before_it_and_nothing_else(tmp_path):
    path = tmp_path / "benchmarks.md"
    path.write_text("above\n<!-- bench a: begin -->\nold\n<!-- bench a: end -->\nbelow\n")
    document.keep("a", "new", path)
    document.keep("a", "newer", path)
    text = path.read_text()
    assert text.startswith("above\n<!-- bench a: begin -->\n")
    assert text.endswith("newer\n<!-- bench a: end -->\nbelow\n")
    assert "old" not in text
    assert "new\n" not in text


def test_a_document_without_the_place_is_refused_with_what_to_write(tmp_path):
    path = tmp_path / "benchmarks.md"
    path.write_text("nothing\n")
    with pytest.raises(BenchError, match="bench a: begin"):
        document.keep("a", "new", path)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_the_document_of_the_project_has_a_place_for_every_measurement(name):
    text = DOCUMENT.read_text()
    assert text.index(f"<!-- bench {name}: begin -->") < text.index(f"<!-- bench {name}: end -->")


def test_subject_and_floor_stand_beside_each_other_with_their_ratio():
    subject = Series("program", [Sample(wall=6, cpu=3), Sample(wall=9, cpu=3)])
    floor = Series("bare", [Sample(wall=5, cpu=2), Sample(wall=6, cpu=2)])
    lines = document.beside(subject, floor).splitlines()
    assert lines[0] == "| 2 runs each, in turn | program | bare | ratio |"
    assert "| CPU seconds, least | 3.00 | 2.00 | **1.50** |" in lines
    assert "| wall seconds, least | 6.00 | 5.00 | **1.20** |" in lines
