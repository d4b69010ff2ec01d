"""The tables of the measurements."""

from bench import document
from bench.comparison import Series
from bench.samples import Sample


def test_subject_and_floor_stand_beside_each_other_with_their_ratio():
    subject = Series("program", [Sample(wall=6, cpu=3), Sample(wall=9, cpu=3)])
    floor = Series("bare", [Sample(wall=5, cpu=2), Sample(wall=6, cpu=2)])
    lines = document.beside(subject, floor).splitlines()
    assert lines[0] == "| 2 runs each, in turn | program | bare | ratio |"
    assert "| CPU seconds, least | 3.00 | 2.00 | **1.50** |" in lines
    assert "| wall seconds, least | 6.00 | 5.00 | **1.20** |" in lines
