"""No object, whatever is in it, makes the Windows rules fail."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.lint import Finding, check

from .lint_cases import WS2019, container, deployment, found, pod, service
from .lint_rule_cases import CASES

WORDS = sorted(
    {
        "kind",
        "items",
        "metadata",
        "name",
        "namespace",
        "labels",
        "spec",
        "template",
        "jobTemplate",
        "selector",
        "List",
        "Service",
    }
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=8,
)
EVERY_OBJECT = [
    item for case in CASES for side in case[1:] for item in (side if isinstance(side, list) else [side])
]


def replaced(value: Any, steps: list[int], by: Any) -> Any:
    """A value in which what lies at the end of a path is another one."""
    if not steps or not isinstance(value, dict | list) or not value:
        return by
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[steps[0] % len(keys)]
    value[key] = replaced(value[key], steps[1:], by)
    return value


@settings(max_examples=100, deadline=None, database=None)
@given(st.sampled_from(EVERY_OBJECT), st.lists(st.integers(0, 9), max_size=9), ANYTHING)
def test_anything_may_stand_in_any_field(object_, steps, anything):
    broken = replaced(copy.deepcopy(object_), steps, anything)
    objects = [broken if isinstance(broken, dict) else {}, service(), deployment()]
    assert all(
        isinstance(finding, Finding) and str(finding) for finding in check(objects, windows_build=WS2019)
    )


@settings(max_examples=30, deadline=None, database=None)
@given(st.dictionaries(SCALARS, ANYTHING, max_size=4))
def test_an_object_may_be_anything(object_):
    check([object_, {**object_, "kind": "Deployment"}, {**object_, "kind": "Service"}], windows_build=None)


def test_a_number_beyond_all_bounds_is_no_number():
    huge = 10**5000  # Python refuses to write it out
    workload = container(
        ports=[{"hostPort": huge}],
        resources={"limits": {"memory": huge, "cpu": huge}, "requests": {"memory": huge}},
    )
    workload["spec"] |= {"replicas": huge, "strategy": {"rollingUpdate": {"maxSurge": huge}}}
    assert found([workload, service()]) == []


def test_an_object_that_holds_itself_is_read_once():
    knot: dict[str, Any] = deployment()
    pod(knot)["containers"].append(knot)
    knot["items"] = [knot]
    check([knot, {"kind": "List", "items": [knot]}], windows_build=WS2019)
