"""Pulumi.yaml's schema and Pulumi.dev.yaml against what the program itself reads: two places, one truth."""

import json
import re

import pytest
import yaml

from infra.config import model as config
from infra.errors import ConfigError
from tests.support.config_cases import ADMINS
from tests.support.engine import PROJECT
from tests.support.stacks import committed

SCHEMA = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
# Of each type of the schema, a value that is none.
WRONG = {"string": {"a": 1}, "boolean": "maybe", "integer": "many", "array": {"a": 1}, "object": ["a"]}


def text(value):
    """As Pulumi hands a value of the schema over."""
    return value if isinstance(value, str) else json.dumps(value)


def known_keys():
    """The keys that the program reads, as its own refusal of another one lists them."""
    with pytest.raises(ConfigError) as caught:
        config.parse(ADMINS | {"nonsense": "1"}, stack="dev")
    return set(caught.value.problems[0].rpartition("known are ")[2].split(", "))


def test_the_schema_has_the_keys_that_the_program_reads():
    assert set(SCHEMA) == known_keys()


def test_the_defaults_of_the_schema_are_those_of_the_program():
    """Pulumi puts the schema's into the configuration before the program runs: its own would never be
    seen.
    """
    defaults = {key: text(entry["default"]) for key, entry in SCHEMA.items() if "default" in entry}
    assert config.parse(defaults | ADMINS, stack="dev") == config.parse(ADMINS, stack="dev")


@pytest.mark.parametrize("key", SCHEMA)
def test_every_key_is_described_and_typed_as_it_is_read(key):
    entry = SCHEMA[key]
    assert len(entry["description"]) > 20
    with pytest.raises(ConfigError) as caught:
        config.parse(ADMINS | {key: WRONG[entry["type"]]}, stack="dev")
    assert caught.value.problems[0].startswith(f"{key} ")


def test_sizes_in_the_descriptions_are_the_true_ones():
    machine = config.parse(ADMINS, stack="dev").control_plane
    assert (
        f"instanceType ({machine.instance_type}) and diskSizeGb ({machine.disk_size_gb})"
        in SCHEMA["controlPlane"]["description"]
    )
    systems = re.findall(r"(?:ubuntu|windows)-[0-9.]+", SCHEMA["nodePools"]["description"])
    assert systems == list(config.versions.OPERATING_SYSTEMS)


def test_administrators_have_no_default_that_would_do():
    """Whoever forgets it is told, and nobody is let in."""
    with pytest.raises(ConfigError, match="adminCidrs is missing"):
        config.parse(
            {key: text(entry["default"]) for key, entry in SCHEMA.items() if "default" in entry}, stack="dev"
        )


def test_the_committed_stack_uses_known_keys_and_no_secret():
    keys = {key.removeprefix("microcosm:") for key in committed() if key.startswith("microcosm:")}
    assert keys <= set(SCHEMA)
    assert {key for key in committed() if not key.startswith("microcosm:")} == {"aws:region"}
    assert "secure:" not in (PROJECT / "Pulumi.dev.yaml").read_text()


def test_the_committed_stack_lets_nobody_in_by_accident():
    """The range is one that documentation may use (RFC 5737): it belongs to nobody."""
    assert committed()["microcosm:adminCidrs"] == ["203.0.113.7/32"]
