"""The state keys of every resource: a stack that exists is updated by them, and replaced where they change.

A URN holds the types of the parents, the type and the logical name of a resource. registrations.txt has one
line for each URN of the stacks in tests/support/stacks.py. A resource may leave the list or get another name
only together with an alias (https://www.pulumi.com/docs/iac/concepts/options/aliases/); only then:

    python -m tests.golden --update
"""

from pathlib import Path

from tests.support.stacks import STACKS, deployed

FILE = Path(__file__).with_name("registrations.txt")


def rendered() -> str:
    """Render the URNs of all stacks without project and stack, sorted, each once."""
    urns = {urn.split("::", 2)[2] for stack in STACKS for urn in deployed(stack, "up").registrations}
    return "".join(f"{urn}\n" for urn in sorted(urns))


def update() -> None:
    FILE.write_text(rendered())
