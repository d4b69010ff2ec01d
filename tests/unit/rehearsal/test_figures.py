"""Test the figures that a run writes into docs/evidence/benchmarks.md."""

from rehearsal.scenarios import figures


def test_a_run_takes_the_place_of_the_one_before_it_and_nothing_else(tmp_path):
    document = tmp_path / "benchmarks.md"
    document.write_text(f"above\n{figures.BEGIN}\nold\n{figures.END}\nbelow\n")
    figures.keep({"up": 60.04, "destroy": 5.0}, 32.5, 40.1, document)
    figures.keep({"up": 50.0, "destroy": 5.0}, 31.0, 40.2, document)
    text = document.read_text()
    assert text.startswith("above\n")
    assert text.endswith("\nbelow\n")
    assert "old" not in text
    assert "60.0" not in text
    assert "| up | 50.0 |" in text
    assert "| **all** | **55.0** |" in text


def test_many_runs_take_the_place_of_those_of_their_own_kind(tmp_path):
    places = "".join(
        f"<!-- {name}: begin -->\nold {name}.\n<!-- {name}: end -->\n"
        for name in (figures.QUIET, figures.BUSY)
    )
    document = tmp_path / "benchmarks.md"
    document.write_text(f"above\n{places}below\n")
    figures.keep_many("**20 of 20 passed.**", figures.QUIET, document)
    text = document.read_text()
    assert "**20 of 20 passed.**" in text
    assert f"old {figures.QUIET}." not in text
    assert f"old {figures.BUSY}." in text
    assert (text.startswith("above\n"), text.endswith("below\n")) == (True, True)
