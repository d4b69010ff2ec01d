"""The figures that a run writes into docs/benchmarks.md."""

from rehearsal import figures


def test_a_run_takes_the_place_of_the_one_before_it_and_nothing_else(tmp_path):
    document = tmp_path / "benchmarks.md"
    document.write_text(f"above\n{figures.BEGIN}\nold\n{figures.END}\nbelow\n")
    figures.keep({"up": 60.04, "destroy": 5.0}, 32.5, document)
    figures.keep({"up": 50.0, "destroy": 5.0}, 31.0, document)
    text = document.read_text()
    assert text.startswith("above\n")
    assert text.endswith("\nbelow\n")
    assert "old" not in text
    assert "60.0" not in text
    assert "| up | 50.0 |" in text
    assert "| **all** | **55.0** |" in text


def test_the_document_of_the_project_has_a_place_for_the_figures():
    text = figures.DOCUMENT.read_text()
    assert text.index(figures.BEGIN) < text.index(figures.END)
