"""Thousands of configurations that nobody would write: each is built or refused in plain sentences, and
ranges are never accepted wrongly.

How many is up to Hypothesis' profile (tests/conftest.py).
"""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from infra.config import model as config
from infra.errors import ConfigError
from infra.node import script_inputs
from infra.script_bucket import StagedScript
from tests.support.config_cases import ADMINS, BAD

KEYS = sorted(
    {key for changes, _ in BAD.values() for key in changes if key.isidentifier()}
    | {"vpcCidr", "podCidr", "serviceCidr", "allowPublicAdmin"}
)
POOL_KEYS = ["name", "os", "count", "instanceType", "diskSizeGb", "labels", "taints"]
# What is nearly right is worth more than what is only strange.
PLAUSIBLE = [
    "linux",
    "windows-2019",
    "ubuntu-24.04",
    "1.34.11",
    "10.0.0.0/8",
    "10.96.0.0/12",
    "host-gw",
    "true",
    "40",
    "[]",
    "{}",
    "null",
    "y",
    "1e3",
]
TEXTS = st.sampled_from(PLAUSIBLE) | st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(POOL_KEYS) | TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
POOLS = st.lists(st.dictionaries(st.sampled_from(POOL_KEYS), VALUES, max_size=4), max_size=3)
CONFIGURATIONS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4) | st.fixed_dictionaries(
    {"nodePools": POOLS}
)


def problems_of(values):
    try:
        stack = config.parse(values, stack="dev")
    except ConfigError as error:
        return list(error.problems)
    for pool in stack.node_pools:
        script = StagedScript(bucket="b", key="k", sha256="0") if pool.os.family == "windows" else None
        assert script_inputs.worker(
            stack, pool, f"{pool.name}-0", region="eu-west-1", control_plane_id="i-1", script=script
        )
    return []


def as_pulumi_has_it(values):
    """Text, or JSON text for all that has structure."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


@given(CONFIGURATIONS)
def test_any_configuration_is_built_or_refused_in_plain_sentences(changes):
    for problem in problems_of(ADMINS | as_pulumi_has_it(changes)):
        assert problem.isprintable(), "a sentence stands on one line"
        assert len(problem) < 1000


@given(CONFIGURATIONS)
def test_values_need_not_be_text(changes):
    """The tests and `microcosm preview` hand over Python's own."""
    problems_of(ADMINS | changes)


# --- ranges, against an oracle that shares no code

SPECIAL = ((0, 8), (127 << 24, 8), ((169 << 24) + (254 << 16), 16), (224 << 24, 3))
SIZES = {"vpcCidr": (16, 28), "podCidr": (8, 24), "serviceCidr": (12, 28)}
OCTETS = st.sampled_from(
    ["0", "10", "96", "100", "127", "169", "172", "224", "244", "254", "256", "010", "-1", ""]
)
PREFIXES = st.integers(-1, 33).map(str) | st.sampled_from(
    ["016", "+16", "255.255.0.0", "0.0.255.255", "", "16 ", "\N{ARABIC-INDIC DIGIT ONE}6"]
)


@st.composite
def written_ranges(draw):
    """Mostly a network without host bits, written in one of the ways that people write them."""
    if draw(st.integers(0, 2)):
        prefix = draw(st.integers(7, 29))
        first = draw(st.integers(0, 2**prefix - 1)) << (32 - prefix)
        return ".".join(str(first >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{prefix}"
    return ".".join(draw(st.lists(OCTETS, min_size=3, max_size=5))) + "/" + draw(PREFIXES)


def span(text):
    """First and last address and the prefix, or None for what AWS would not take."""
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)\.(\d+)/(\d+)", text, re.ASCII)
    if not match or any(part != str(int(part)) for part in match.groups()):
        return None
    *octets, prefix = map(int, match.groups())
    if max(octets) > 255 or prefix > 32:
        return None
    first = sum(octet << shift for octet, shift in zip(octets, (24, 16, 8, 0), strict=True))
    size = 2 ** (32 - prefix)
    return None if first % size else (first, first + size - 1, prefix)


def meet(a, b):
    return a[0] <= b[1] and b[0] <= a[1]


def acceptable(ranges):
    spans = {key: span(text) for key, text in ranges.items()}
    if not all(found and SIZES[key][0] <= found[2] <= SIZES[key][1] for key, found in spans.items()):
        return False
    special = [(first, first + 2 ** (32 - prefix) - 1) for first, prefix in SPECIAL]
    every = list(spans.values())
    pairs = [(every[0], every[1]), (every[0], every[2]), (every[1], every[2])]
    return not any(meet(a, b) for a, b in pairs) and not any(meet(a, b) for a in every for b in special)


@given(written_ranges(), written_ranges(), written_ranges())
def test_ranges_are_accepted_exactly_when_an_independent_oracle_accepts_them(vpc, pods, services):
    ranges = {"vpcCidr": vpc, "podCidr": pods, "serviceCidr": services}
    alone = {"nodePools": "[]", "workloads": "false"}
    assert (problems_of(ADMINS | alone | ranges) == []) == acceptable(ranges)


@given(written_ranges())
def test_administrators_ranges_are_written_as_aws_writes_them(cidr):
    """Each stands in a rule and in the rule's name."""
    found = span(cidr)
    accepted = problems_of({"adminCidrs": [cidr], "nodePools": [], "workloads": False}) == []
    assert accepted == (found is not None and found[2] > 0)


# --- labels and taints, against Kubernetes' own words

NAMES = st.text("aZ09-._/", max_size=8) | st.sampled_from(
    ["a.b/c", "y", "on", "1e3", "a" * 63, "a" * 64, "a." * 126 + "b/c", "a." * 127 + "b/c"]
)


def is_name(text):
    """`IsValidLabelValue` of k8s.io/apimachinery without the empty one."""
    return (
        0 < len(text) <= 63
        and set(text) <= set("aZ09-._bcyonepl1e3")
        and text[0] not in "-._"
        and text[-1] not in "-._"
    )


def is_key(text):
    """`IsQualifiedName`: a name, or a DNS subdomain, a slash and a name."""
    *domain, name = text.split("/")
    parts = domain[0].split(".") if domain else []
    return (
        len(domain) <= 1
        and is_name(name)
        and len(".".join(parts)) <= 253
        and all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", part) for part in parts)
    )


@given(NAMES, NAMES)
def test_a_label_is_accepted_exactly_when_a_kubelet_takes_it(key, value):
    pool = {"name": "linux", "labels": {key: value}}
    accepted = problems_of(ADMINS | {"nodePools": [pool], "workloads": False}) == []
    assert accepted == (is_key(key) and (value == "" or is_name(value)))


@given(NAMES, NAMES, st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule", "No", ""]))
def test_a_taint_is_accepted_exactly_when_kubernetes_takes_it(key, value, effect):
    pool = {"name": "linux", "taints": [f"{key}={value}:{effect}"]}
    accepted = problems_of(ADMINS | {"nodePools": [pool], "workloads": False}) == []
    assert accepted == (is_key(key) and (value == "" or is_name(value)) and effect not in ("No", ""))
