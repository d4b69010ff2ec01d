"""docs/guide/previews.md says what the commands say."""

from pathlib import Path

from . import operator_page, previews_page
from .operator_page import MARK, named
from .previews_page import PAGE, SCENES
from .test_preview_cli import COMMANDS


def test_the_page_is_what_the_commands_print_today(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    with operator_page.world(tmp_path) as everything:
        assert previews_page.render(text, everything) == text, (
            "run `python -m tests.integration.microcosm.previews_page` and read what it changed"
        )


def test_every_command_of_previews_is_shown_and_named() -> None:
    marks = [named(mark) for mark in MARK.finditer(PAGE.read_text(encoding="utf-8"))]
    commands = {*COMMANDS, "ci-policy"}
    assert {what.split()[2] for kind, what in marks if kind == "run"} == commands
    assert [what for kind, what in marks if kind == "scene"] == [*SCENES]
    assert all(f"`preview {command}" in PAGE.read_text() for command in commands)
