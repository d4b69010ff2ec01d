"""Runs write their results into the project's documents, each between its own marks."""

import pytest

from bench.__main__ import MEASUREMENTS
from rehearsal.document import BENCHMARKS, PREVIEWS, RELIABILITY, Section
from rehearsal.errors import RehearsalError
from rehearsal.scenarios import figures

NAMES = {
    BENCHMARKS: ["rehearsal", figures.QUIET, figures.BUSY, *(f"bench {name}" for name in MEASUREMENTS)],
    RELIABILITY: ["rehearsed", "machine-faults", "aws faults"],
    PREVIEWS: ["permissions"],
}


def test_a_run_replaces_the_text_of_the_one_before_it_and_nothing_else(tmp_path):
    document = tmp_path / "page.md"
    document.write_text(
        "above\n<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin -->\n<!-- b: end -->\n"
    )
    Section(document, "a").write("new\n\ntable")
    Section(document, "b").write("other")
    Section(document, "a").write("newer")
    assert document.read_text() == (
        "above\n<!-- a: begin -->\nnewer\n<!-- a: end -->\n<!-- b: begin -->\nother\n<!-- b: end -->\n"
    )
    assert Section(document, "a").read() == "newer"
    with pytest.raises(RehearsalError, match=r"has no place for c: put the lines <!-- c: begin -->"):
        Section(document, "c").write("new")


def test_the_documents_of_the_project_have_a_place_for_every_run():
    for document, names in NAMES.items():
        for name in names:
            Section(document, name).read()


def test_the_figures_of_a_run_have_a_line_for_each_step_and_one_for_all():
    lines = figures.section({"up": 50.04, "destroy": 5.0}, 31.0, 40.2).splitlines()
    assert "| up | 50.0 |" in lines
    assert "| **all** | **55.0** |" in lines
