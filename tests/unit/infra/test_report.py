"""The status report: what any value of its parameter becomes, and which instance a report belongs to."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.node import report
from infra.node.report import PhaseTimes
from rehearsal.simulated import birth, machines
from rehearsal.windows_node.progress import Progress

LAUNCHED = 1_000.0
BEFORE, AFTER = LAUNCHED - 60, LAUNCHED + 60
REPORT = {
    "instance": "i-1",
    "node": "linux-0",
    "phase": "join",
    "result": "running",
    "detail": "waiting for the control plane",
    "phases": {"join": {"start": 30, "end": None}, "prepare": {"start": 10, "end": 30.5}},
}


def without(*keys):
    return json.dumps({key: value for key, value in REPORT.items() if key not in keys})


def test_phases_are_ordered_by_their_beginning():
    """JSON objects have no order to rely on."""
    found = report.parse("linux-0", json.dumps(REPORT), AFTER)
    assert found.phases == (
        PhaseTimes(name="prepare", start=10, end=30.5),
        PhaseTimes(name="join", start=30, end=None),
    )
    assert found.times("join").start == 30


def test_a_stand_in_is_known_by_its_own_words():
    """A rehearsal's Windows node begins each detail with what it is."""
    assert report.parse(
        "windows-0", json.dumps(REPORT | {"detail": "stand-in: TLS bootstrap"}), AFTER
    ).stand_in


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=60, deadline=None)
@given(st.text() | JSON.map(json.dumps) | st.dictionaries(st.sampled_from([*REPORT]), JSON).map(json.dumps))
def test_no_content_of_a_status_parameter_is_a_traceback(text):
    """Machines write these at their worst moments."""
    found = report.parse("linux-0", text, AFTER)
    assert found is None or found.result in report.RESULTS


# The contract: a value of the parameter, and whether it counts as a report of i-1 if Systems Manager stored
# it after the launch of i-1, and before. `None` stands for silence.
CONTRACT = {
    "placeholder": ("pending", None, None),
    "empty": ("", None, None),
    "its own": (json.dumps(REPORT), ("running", "join"), ("running", "join")),
    "of an earlier instance": (json.dumps(REPORT | {"instance": "i-0", "result": "failed"}), None, None),
    "without an id": (json.dumps(REPORT | {"instance": "", "result": "failed"}), ("failed", "join"), None),
    "ready without an id": (
        json.dumps(REPORT | {"instance": "", "phase": "ready", "result": "ok"}),
        ("ok", "ready"),
        None,
    ),
    "no key for the id": (without("instance"), ("running", "join"), None),
    "no detail and no phases": (without("detail", "phases"), ("running", "join"), ("running", "join")),
    "no phase": (without("phase"), ("failed", "unknown"), None),
    "no result": (without("result"), ("failed", "unknown"), None),
    "an unknown result": (json.dumps(REPORT | {"result": "great"}), ("failed", "unknown"), None),
    "a phase that is no text": (json.dumps(REPORT | {"phase": None}), ("failed", "unknown"), None),
    "a time that is none": (
        json.dumps(REPORT | {"phases": {"join": {"start": float("nan")}}}),
        ("failed", "unknown"),
        None,
    ),
    "phases that are a list": (json.dumps(REPORT | {"phases": [1]}), ("failed", "unknown"), None),
    "no JSON": ("Internal error", ("failed", "unknown"), None),
    "half a report": (json.dumps(REPORT)[:40], ("failed", "unknown"), None),
    "a list": ("[]", ("failed", "unknown"), None),
    "null": ("null", ("failed", "unknown"), None),
    "a number": ("7", ("failed", "unknown"), None),
    "a text": ('"ready"', ("failed", "unknown"), None),
}


def counted(text, written, launched=LAUNCHED):
    found = report.of_instance(report.parse("linux-0", text, written), "i-1", launched)
    return found and (found.result, found.phase)


@pytest.mark.parametrize("case", CONTRACT)
def test_the_contract_of_a_status_parameter(case):
    text, after, before = CONTRACT[case]
    assert counted(text, AFTER) == after
    assert counted(text, BEFORE) == before


def test_what_is_unreadable_is_shown():
    assert (
        report.describe(report.parse("linux-0", "Internal error", AFTER))
        == "phase unknown: unreadable status report: 'Internal error'"
    )


def test_a_report_without_an_id_is_not_believed_while_ec2_does_not_list_the_instance():
    """It may be of the machine that had the name before."""
    assert counted(without("instance"), AFTER, launched=None) is None


def test_a_report_that_is_stored_twice_is_one_report():
    """The first answer of PutParameter was lost, and the machine sends it again."""
    assert report.parse("n", json.dumps(REPORT), 1.0) == report.parse("n", json.dumps(REPORT), 9.0)


def test_the_parameters_of_systems_manager_are_read_by_node():
    stored = datetime.fromtimestamp(AFTER, UTC)
    entries = [
        {"Name": "/microcosm/dev/status/linux-0", "Value": json.dumps(REPORT), "LastModifiedDate": stored},
        {"Name": "/microcosm/dev/status/linux-1", "Value": "pending", "LastModifiedDate": stored},
    ]
    found = report.parameters("/microcosm/dev/status", entries)
    assert (found["linux-0"].node, found["linux-0"].written, found["linux-1"]) == ("linux-0", AFTER, None)


def test_the_writers_of_the_rehearsal_keep_to_the_schema():
    """Those of userdata/ are run in test_linux_boot.py and in tests/windows."""
    sent = []
    progress = Progress(instance="i-1", node="windows-0", publish=sent.append)
    with pytest.raises(OSError, match="no way"), progress.phase("join"):
        raise OSError("no way")
    instance = birth.NodeInstance(
        instance="i-1", node="linux-0", os="ubuntu-24.04", stack="dev", private_ip="10.0.0.9"
    )
    sent.append(json.dumps(machines.report(instance, 60)))
    assert [report.parse("n", text, AFTER).result for text in sent] == ["running", "failed", "ok"]
