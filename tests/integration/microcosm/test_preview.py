"""The words of a preview: names, lengths of time, settings, lists of open pull requests, and its tags."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microcosm.errors import UsageError
from microcosm.preview import model as preview
from microcosm.preview.model import Preview

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)
).map(lambda m: m.replace(microsecond=0))


@given(st.integers(1, 10**9 - 1), st.none() | MOMENTS, st.none() | MOMENTS)
def test_the_tags_of_a_preview_are_the_preview(
    pr: int, created: datetime | None, expires: datetime | None
) -> None:
    """Reading the written tags returns the same preview."""
    known = Preview(pr=pr, region="eu-west-1", owner="ada", created=created, expires=expires)
    assert preview.of_tags(known.stack, known.tags) == known


def test_the_end_is_the_first_tag() -> None:
    """A run that is killed between two tags has left what a reaper needs."""
    known = Preview(
        pr=1,
        region="r",
        owner="o",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        expires=datetime(2026, 1, 2, tzinfo=UTC),
    )
    assert next(iter(known.tags)) == "microcosm:expires-at"


@pytest.mark.parametrize("value", ["", "soon", "2026-11-25T12:00:00"])
def test_an_unreadable_end_is_no_end(value: str) -> None:
    assert preview.of_tags("pr-1", {"microcosm:expires-at": value}).expires is None


@pytest.mark.parametrize("stack", ["dev", "pr-", "pr-0", "pr-01", "pr-x", "pr-1-old", "xpr-1", "pr-1\n"])
def test_another_stack_is_never_taken_for_a_preview(stack: str) -> None:
    """A reaper would destroy it."""
    assert preview.pr_number(stack) is None


@pytest.mark.parametrize(("text", "hours"), [("30m", 0.5), ("90m", 1.5), ("8h", 8), ("3d", 72)])
def test_a_length_of_time(text: str, hours: float) -> None:
    assert preview.parse_ttl(text) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4d", "30m to 72h;"),
        ("29m", "30m to 72h;"),
        ("8", "90m, 8h or 2d"),
        ("0h", "90m"),
        ("-1h", "90m"),
        ("²h", "90m"),
    ],
)
def test_a_length_that_is_none_or_too_long_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        preview.parse_ttl(text)


@pytest.mark.parametrize("text", ["", "0", "x", "1.5", "-3", "12345678901", "1\n"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="number of a pull request"):
        preview.parse_pr(text)


def test_settings_have_types() -> None:
    items = [
        "kubernetesVersion=1.35.8",
        "workloads=false",
        "readyTimeoutMinutes=5",
        'adminCidrs=["10.0.0.0/8"]',
        "owned=a=b",
        "bom=",
    ]
    assert preview.parse_settings(items) == {
        "kubernetesVersion": "1.35.8", "workloads": False, "readyTimeoutMinutes": 5,
        "adminCidrs": ["10.0.0.0/8"], "owned": "a=b", "bom": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("x", "key=value"),
        ("=1", "key=value"),
        ("aws:region=x", "key=value"),
        ("a=[", "not valid JSON"),
        ("expiresAt=never", "--ttl"),
        ("owner=me", "--owner"),
    ],
)
def test_a_setting_that_is_none_is_refused(item: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        preview.parse_settings([item])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("[]", set()), ("[1, 22]", {1, 22}), ('[{"number": 3}]', {3}), ("4\n5\n", {4, 5}), (" 6 ", {6})],
)
def test_lists_of_open_pull_requests(text: str, numbers: set[int]) -> None:
    assert preview.parse_open(text, "x") == numbers


@pytest.mark.parametrize(
    "text", ["", "\n", "null", "error: no such repository", "{}", '[{"title": "x"}]', "[1, null]", ":\n- ["]
)
def test_what_a_failed_command_leaves_never_means_that_none_is_open(text: str) -> None:
    """It would end every preview."""
    with pytest.raises(UsageError, match="does not list the open pull requests"):
        preview.parse_open(text, "open.json")
