"""A text is read as kubectl reads it; tests/integration/rehearsal/test_lint_kubectl.py asks the real one
about thousands of others.
"""

import pytest

from microcosm.lint.kubectl_text import Parsed, documents
from microcosm.lint.kubectl_values import Unreadable


def values(text: str) -> list[object]:
    return [found.value for found in documents(text) if isinstance(found, Parsed)]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1:30", "1:30"),
        ("y", True),
        ("off", False),
        ("tRUE", "tRUE"),
        ("0o14", 12),
        ("014", 12),
        ("08", 8),
        ("0b11", 3),
        ("1_000", 1000),
        ("1e3", 1000),
        (".5", 0.5),
        ("1e400", "1e400"),
        ("9" * 5000, "9" * 5000),
        ("18446744073709551615", 18446744073709551615.0),
        ("2026-11-30", "2026-11-30"),
        ("!Ref b", "b"),
        ("! 1", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1),
        ("!!binary YQ==", "a"),
        ("~", None),
        ("{1: a, yes: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
        ("{a: 1, a: 2}", {"a": 2}),
        ("{a: 2, <<: {a: 1}}", {"a": 1}),
        ("{<<: [{a: 1}, {a: 2, b: 3}]}", {"a": 1, "b": 3}),
        ("[&a 1, &a 2, *a]", [1, 2, 2]),
        ("{a: .inf, a: 1}", {"a": 1}),
    ],
)
def test_a_value_is_what_kubectl_makes_of_it(scalar, value):
    (found,) = values(f"x: {scalar}\n")
    assert found == {"x": value}
    assert type(found["x"]) is type(value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{a: 1}\n", [{"a": 1}]),
        ('{"a": 1}{"a": 2}\n{"a": 3}', [{"a": 1}, {"a": 2}, {"a": 3}]),
        ('{"a": 1}\n---\n{"a": 2}\n---\na: 3\n', [{"a": 1}, {"a": 2}, {"a": 3}]),
        ("---\n# nothing\n---\na: 1\n--- # next\na: 2\n---", [{"a": 1}, {"a": 2}]),
        ("a: 1\n...\na: 2\n", [{"a": 1}]),
        ("a: |\n  one\n---\na: |\n  two", [{"a": "one\n"}, {"a": "two\n"}]),
        ("a: 1\r\n---\r\na: 2\r\n", [{"a": 1}, {"a": 2}]),
    ],
)
def test_a_stream_is_cut_as_kubectl_cuts_it(text, read):
    assert [value for value in values(text) if value is not None] == read
    assert not any(isinstance(found, Unreadable) for found in documents(text))


@pytest.mark.parametrize(
    ("text", "lines", "read"),
    [
        ("a: [\n---\na: 1\n", [1], [{"a": 1}]),
        ("a: 1\n---\na: [\n---\na: 2\n", [3], [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\n{"a": [}\n{"a": 2}\n', [2], [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\n{a: x}\n{"a": 2}\n', [], [{"a": 1}, {"a": "x"}, {"a": 2}]),
        ('{"a": 1}\n ---\na: 2\n---\na: 3\n', [3], [{"a": 1}, {"a": 3}]),
        (
            'a: 1\n---\na: "x\\/y"\n---\na: "x/y"\n---\na: "\\\\/"\n',
            [3],
            [{"a": 1}, {"a": "x/y"}, {"a": "\\/"}],
        ),
        ("a: 1\n--- {a: 2}\n---\na: 3\n", [2], [{"a": 1}, {"a": 2}, {"a": 3}]),
    ],
)
def test_what_cannot_be_read_hides_nothing_else(text, lines, read):
    assert [found.line for found in documents(text) if isinstance(found, Unreadable)] == lines
    assert values(text) == read


def test_keys_written_twice_and_items_of_a_list_have_their_lines():
    (found,) = documents("kind: List\nitems:\n- a: 1\n  a: 2\n- b: 1\n")
    assert isinstance(found, Parsed)
    assert (found.repeated, found.item_lines) == ([(4, "a")], (3, 5))


def test_half_a_surrogate_pair_becomes_the_character_that_stands_for_none():
    """Go's decoder does so, and no terminal prints a half."""
    assert values('{"\\ud83d": ["\\ud83d\\ude00", {"b": "\\uDE00"}]}') == [
        {"\ufffd": ["\U0001f600", {"b": "\ufffd"}]}
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\n...\nb: 2\n", 3),
        ("a: 1\n...\n# c\n\n---\nb: 2\n", None),
        ("a: 1\r---\rb: 2\r", 3),
        ("{a: 1} # c\n# d\n", None),
        ("a: 1\n...\n---\n", None),
    ],
)
def test_what_kubectl_passes_over_in_silence_is_told(text, line):
    """`...` ends a document, and kubectl looks for the next one behind --- alone."""
    first, *_ = documents(text)
    assert isinstance(first, Parsed)
    assert first.lost == line
