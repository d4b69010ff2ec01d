"""A rename in the program does not replace what an existing stack has."""

from tests.golden import registrations


def test_every_resource_keeps_its_type_its_parents_and_its_logical_name():
    found, kept = (
        set(text.splitlines()) for text in (registrations.rendered(), registrations.FILE.read_text())
    )
    assert sorted(kept - found) == [], "existing stacks would delete these: tests/golden/registrations.py"
    assert sorted(found - kept) == [], "new resources: python -m tests.golden --update"
