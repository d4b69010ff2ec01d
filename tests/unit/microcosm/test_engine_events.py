"""Pulumi's own events as spans."""

import json
from pathlib import Path

import pytest

from microcosm.errors import UsageError
from microcosm.pulumi_cli import events as engine_events
from microcosm.timeline.model import Span

URN = "urn:pulumi:dev::microcosm::microcosm:infra:Cluster$"


def event(kind: str, seconds: int, urn: str, op: str = "create") -> str:
    """One line as the engine writes it."""
    return json.dumps(
        {"sequence": 1, "timestamp": seconds, kind: {"metadata": {"op": op, "urn": urn, "type": "x"}}}
    )


NETWORK = f"{URN}microcosm:infra:Network$aws:ec2/vpc:Vpc::dev"
SUBNET = f"{URN}microcosm:infra:Network$aws:ec2/subnet:Subnet::dev"
PAGE = "urn:pulumi:dev::microcosm::kubernetes:core/v1:Service::widgets"


def test_a_part_lasts_from_its_first_begin_to_its_last_end(tmp_path: Path) -> None:
    """Resources are grouped by their component; the preview's document and other events are skipped."""
    lines = [
        json.dumps({"steps": [], "changeSummary": {}}, indent=2),
        json.dumps({"sequence": 0, "timestamp": 1, "preludeEvent": {"config": {}}}),
        event("resourcePreEvent", 10, "urn:pulumi:dev::microcosm::pulumi:pulumi:Stack::microcosm-dev"),
        event("resourcePreEvent", 11, f"{URN}microcosm:infra:Network::dev"),
        event("resourcePreEvent", 12, NETWORK),
        event("resOutputsEvent", 15, NETWORK),
        event("resourcePreEvent", 15, SUBNET),
        event("resOutputsEvent", 19, SUBNET),
        event("resourcePreEvent", 20, PAGE),
        event("resOpFailedEvent", 33, PAGE),
    ]
    path = tmp_path / "events.json"
    path.write_text("\n".join(lines))
    assert engine_events.read(path) == (
        Span(name="Network", start=12, end=19),
        Span(name="kubernetes", start=20, end=33, failed=True),
    )


def test_what_did_not_change_took_no_time(tmp_path: Path) -> None:
    """An unchanged resource's events are as old as the look at it."""
    path = tmp_path / "events.json"
    path.write_text(
        event("resourcePreEvent", 5, NETWORK, "same") + "\n" + event("resOutputsEvent", 5, NETWORK, "same")
    )
    assert engine_events.read(path) == ()


@pytest.mark.parametrize("content", ["{", "not json", "[1]", '{"resourcePreEvent": {}}', "\x00"])
def test_any_other_file_is_refused_with_what_it_should_be(content: str, tmp_path: Path) -> None:
    """One sentence, and how to make the right file."""
    path = tmp_path / "events.json"
    path.write_text(content)
    with pytest.raises(UsageError, match="the output of `pulumi up --yes --json`"):
        engine_events.read(path)
