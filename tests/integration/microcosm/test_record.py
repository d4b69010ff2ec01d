"""What is remembered of a stack from one run to the next."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcosm.audit import command as audit_command
from microcosm.audit import record
from microcosm.audit import search as audit
from microcosm.audit.record import Record
from microcosm.audit.search import Audit
from microcosm.aws.resources import Item
from microcosm.errors import UsageError

from .conftest import TARGET

IDS = st.frozensets(st.text(min_size=1, max_size=5), min_size=1, max_size=3)
RECORDS = st.builds(
    Record,
    ids=st.dictionaries(st.sampled_from(["volume", "VPC", "instance"]), IDS),
    zones=st.frozensets(st.sampled_from(["a", "b"])),
    first_seen=st.none() | st.floats(0, 9),
    last_seen=st.none() | st.floats(10, 19),
    closed=st.none() | st.floats(20, 29),
)


@settings(max_examples=30, deadline=None)
@given(RECORDS)
def test_a_record_survives_its_file(tmp_path_factory: pytest.TempPathFactory, kept: Record) -> None:
    """What is saved is what is loaded."""
    path = tmp_path_factory.mktemp("record") / "deep" / "dev.json"
    record.save(path, kept)
    assert record.load(path) == kept
    assert [entry.name for entry in path.parent.iterdir()] == ["dev.json"]


@settings(max_examples=30, deadline=None)
@given(RECORDS, RECORDS)
def test_an_open_record_never_loses_an_id(first: Record, second: Record) -> None:
    """It grows; only a closed one gives way to the next life of the stack."""
    both = first.merged(second)
    assert both == second if first.closed is not None else both.all_ids == first.all_ids | second.all_ids


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"ids": 1, "zones": [], "firstSeen": 0, "lastSeen": 0, "closed": null}']
)
def test_a_broken_record_is_named(content: str, tmp_path: Path) -> None:
    """Guessing at a record would make an audit say too little."""
    path = tmp_path / "dev.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"dev\.json is not a record of a stack"):
        record.load(path)


def state(resources: list[dict[str, object]]) -> dict[str, object]:
    return {"version": 3, "deployment": {"resources": resources}}


INSTANCE = {
    "type": "aws:ec2/instance:Instance",
    "id": "i-1",
    "created": "2026-11-25T09:00:00Z",
    "modified": "2026-11-25T10:00:00.5Z",
    "outputs": {
        "availabilityZone": "eu-west-1a",
        "primaryNetworkInterfaceId": "eni-1",
        "rootBlockDevice": {"volumeId": "vol-1"},
    },
}
OTHERS = [
    {"type": "pulumi:pulumi:Stack", "urn": "x"},
    {"type": "kubernetes:core/v1:Service", "id": "microcosm/widgets"},
    {"type": "aws:iam/role:Role", "id": "dev-role", "outputs": {}},
]


def test_a_pulumi_state_gives_the_ids_of_all_it_made(tmp_path: Path) -> None:
    """An instance's disk and interface are in no resource of their own, but in its outputs."""
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state([INSTANCE, *OTHERS])))
    found = record.from_pulumi_state(path)
    ids = {"instance": {"i-1"}, "volume": {"vol-1"}, "network interface": {"eni-1"}, "IAM role": {"dev-role"}}
    assert found.ids == ids
    assert found.zones == {"eu-west-1a"}
    assert (found.last_seen or 0) - (found.first_seen or 0) == 3600.5


def test_a_checkpoint_of_a_backend_is_read_the_same_way(tmp_path: Path) -> None:
    """The file in a self-managed backend wraps the same list otherwise."""
    path = tmp_path / "dev.json"
    path.write_text(
        json.dumps({"version": 3, "checkpoint": {"stack": "dev", "latest": {"resources": [INSTANCE]}}})
    )
    assert record.from_pulumi_state(path).all_ids == {"i-1", "vol-1", "eni-1"}


def test_a_state_of_another_kind_is_refused(tmp_path: Path) -> None:
    """One sentence, and how to make the right file."""
    path = tmp_path / "state.json"
    path.write_text('{"outputs": {}}')
    with pytest.raises(UsageError, match="`pulumi stack export` printed"):
        record.from_pulumi_state(path)


def result(*items: Item, at: float = 100.0) -> Audit:
    """An audit of these objects."""
    scope = audit.Scope(target=TARGET)
    return Audit(scope=scope, account="1", at=at, findings=tuple(audit.attribute(items, scope)), checks=())


def test_an_audit_remembers_what_it_saw_and_a_clean_one_closes_the_record(tmp_path: Path) -> None:
    """Up, audit, down, audit: the last one ends the story, and the next life starts a new one."""
    path = tmp_path / "dev.json"
    first = Item(kind="volume", id="vol-1", tags={"microcosm:stack": "dev"}, zone="eu-west-1a", created=50.0)
    audit_command.remembered(TARGET, path, None).keep(result(first))
    kept = record.load(path)
    assert kept == Record(
        ids={"volume": frozenset({"vol-1"})},
        zones=frozenset({"eu-west-1a"}),
        first_seen=50.0,
        last_seen=100.0,
    )
    audit_command.remembered(TARGET, path, None).keep(result(at=200.0))
    closed = record.load(path)
    assert closed is not None
    assert closed.closed == 200.0
    second = Item(kind="volume", id="vol-2", tags={"microcosm:stack": "dev"})
    audit_command.remembered(TARGET, path, None).keep(result(second, at=300.0))
    reopened = record.load(path)
    assert reopened is not None
    assert reopened.all_ids == {"vol-2"}


def test_an_incomplete_audit_closes_nothing(tmp_path: Path) -> None:
    """It has not seen everything."""
    path = tmp_path / "dev.json"
    record.save(path, Record(ids={"volume": frozenset({"vol-1"})}))
    blind = audit.Check(kind="volume", where="x", refused="no")
    unsure = Audit(scope=audit.Scope(target=TARGET), account="1", at=1.0, findings=(), checks=(blind,))
    audit_command.remembered(TARGET, path, None).keep(unsure)
    kept = record.load(path)
    assert kept is not None
    assert kept.closed is None
    assert kept.all_ids == {"vol-1"}


def test_the_record_lives_in_the_users_state_directory() -> None:
    """One file a stack and region."""
    assert record.default_path(TARGET, {"XDG_STATE_HOME": "/state"}) == Path(
        "/state/microcosm/dev.eu-west-1.json"
    )
