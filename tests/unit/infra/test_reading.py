"""Reading of raw values: what each kind accepts, as text and as JSON, and that nothing stops at the first
problem.
"""

import re

import pytest

from infra.config.reading import Settings

WORD = re.compile("[a-z]+")


def read(kind, value, *arguments):
    """Read one key; return its value and the problems."""
    settings = Settings({"key": value})
    return getattr(settings, kind)("key", *arguments), settings.problems


@pytest.mark.parametrize(
    ("kind", "arguments", "value", "found"),
    [
        ("text", ("default",), "given", "given"),
        ("text", ("default", WORD, "a word"), "given", "given"),
        ("text", ("default", WORD, "a word"), "", ""),
        ("choice", ("a", ("a", "b")), "b", "b"),
        ("integer", (1, 0, 10), "7", 7),
        ("integer", (1, 0, 10), 7, 7),
        ("integer", (1, 0, 10), "0", 0),
        ("integer", (1, 0, 10), 10, 10),
        ("boolean", (False,), "true", True),
        ("boolean", (True,), False, False),
        ("texts", (WORD, "a word"), '["a", "b"]', ("a", "b")),
        ("texts", (WORD, "a word"), ["a"], ("a",)),
        ("texts", (WORD, "a word"), "[]", ()),
        ("mapping", (re.compile(r"\w+=\w*"), "a pair"), '{"a": "b"}', {"a": "b"}),
    ],
)
def test_a_value_is_read_as_text_and_as_what_json_makes_of_it(kind, arguments, value, found):
    assert read(kind, value, *arguments) == (found, [])


@pytest.mark.parametrize(
    ("kind", "arguments", "value", "sentence"),
    [
        ("text", ("d",), 7, "key is 7: accepted is a text"),
        ("text", ("d", WORD, "a word"), "A7", "key is 'A7': accepted is a word"),
        ("choice", ("a", ("a", "b")), ["a"], "key is ['a']: accepted is one of a, b"),
        ("integer", (1, 0, 10), "11", "key is '11': accepted is a whole number from 0 to 10"),
        ("integer", (1, 0, 10), "1e1", "key is '1e1': accepted is a whole number from 0 to 10"),
        ("integer", (1, 0, 10), True, "key is True: accepted is a whole number from 0 to 10"),
        (
            "integer",
            (1, 0, 10),
            "\N{ARABIC-INDIC DIGIT ONE}",
            "key is '\N{ARABIC-INDIC DIGIT ONE}': accepted is a whole number from 0 to 10",
        ),
        ("boolean", (True,), "True", "key is 'True': accepted is true or false"),
        ("boolean", (True,), 1, "key is 1: accepted is true or false"),
        ("texts", (WORD, "a word"), "a", "key is 'a': accepted is a list, each item a word"),
        ("texts", (WORD, "a word"), '["a", 7]', "key is '[\"a\", 7]': accepted is a list, each item a word"),
        (
            "texts",
            (WORD, "a word"),
            ["a", "a", "b"],
            "key is ['a', 'a', 'b']: it names a twice; name each once",
        ),
        (
            "mapping",
            (WORD, "a pair"),
            '{"a": 1}',
            "key is '{\"a\": 1}': a cannot be used; accepted is an object, each entry a pair",
        ),
        ("mapping", (WORD, "a pair"), "[]", "key is '[]': accepted is an object, each entry a pair"),
        ("section", (), "null", "key is 'null': accepted is an object"),
        ("sections", ([],), '[{}, "a"]', "key is '[{}, \"a\"]': accepted is a list of objects"),
    ],
)
def test_another_value_is_a_problem_and_the_default_is_read(kind, arguments, value, sentence):
    """So that the next key can be judged too."""
    _, problems = read(kind, value, *arguments)
    assert problems == [sentence]


def test_a_missing_value_is_the_default():
    """Null too: that is how a key is taken out of a JSON object."""
    settings = Settings({"other": None})
    assert (settings.text("key", "d"), settings.integer("other", 3, 0, 9), settings.boolean("key", True)) == (
        "d",
        3,
        True,
    )
    assert (settings.texts("key", WORD, ""), settings.mapping("key", WORD, ""), settings.problems) == (
        (),
        {},
        [],
    )


def test_nested_objects_say_where_they_are():
    settings = Settings({"outer": {"inner": "A"}, "list": [{}, {"inner": "B"}]})
    settings.section("outer").text("inner", "", WORD, "a word")
    settings.sections("list", [])[1].text("inner", "", WORD, "a word")
    assert settings.problems == [
        "outer.inner is 'A': accepted is a word",
        "list[1].inner is 'B': accepted is a word",
    ]


def test_a_key_that_nobody_read_is_refused():
    """A spelling mistake would change nothing, in silence."""
    settings = Settings({"key": "a", "kye": "b"})
    settings.text("key")
    settings.refuse_unknown()
    assert settings.problems == ["kye is not a known key; known are key"]


def test_a_long_value_is_cut():
    """Somebody pastes a whole file."""
    _, (problem,) = read("integer", "9" * 10_000, 1, 0, 10)
    assert len(problem) < 150


@pytest.mark.parametrize(
    "value", ["[" * 100_000, '{"a": ' * 100_000, "[" * 900 + "]" * 900, "1" * 5000, "NaN", "\ud800"]
)
def test_json_that_no_parser_likes_is_a_problem_like_any_other(value):
    for kind, arguments in (
        ("texts", (WORD, "a word")),
        ("section", ()),
        ("sections", ([],)),
        ("integer", (1, 0, 9)),
    ):
        assert len(read(kind, value, *arguments)[1]) == 1, kind
