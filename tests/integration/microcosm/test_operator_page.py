"""docs/guide/operator.md says what the commands say."""

from pathlib import Path

from . import operator_page
from .operator_page import MARK, PAGE, SCENES, named


def test_the_page_is_what_the_commands_print_today(tmp_path: Path) -> None:
    """A page that is typed by hand is wrong after the next change."""
    text = PAGE.read_text(encoding="utf-8")
    with operator_page.world(tmp_path) as everything:
        assert operator_page.render(text, everything) == text, (
            "run `python -m tests.integration.microcosm.operator_page` and read what it changed"
        )


def test_every_command_of_one_stack_is_in_the_page() -> None:
    """`preview` is for many stacks and `image` for none; each has a page of its own."""
    marks = [named(mark) for mark in MARK.finditer(PAGE.read_text(encoding="utf-8"))]
    commands = {*operator_page._commands()} - {"preview", "image"}
    assert {what for kind, what in marks if kind == "about"} == commands
    assert {what.split()[1] for kind, what in marks if kind == "run"} == commands
    assert [what for kind, what in marks if kind == "scene"] == [*SCENES], (
        "a scene follows from the one before"
    )
