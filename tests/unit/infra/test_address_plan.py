"""Address arithmetic against Python's own ipaddress, over thousands of plans."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import address_plan

GOOD = {
    "vpc_cidr": "10.0.0.0/16",
    "pod_cidr": "10.244.0.0/16",
    "service_cidr": "10.96.0.0/12",
    "zones": 1,
    "nodes": 3,
    "nodes_in_first_zone": 3,
}


@st.composite
def networks(draw, low=8, high=30):
    prefix = draw(st.integers(low, high))
    return str(ipaddress.IPv4Network((draw(st.integers(0, 2**32 - 1)), prefix), strict=False))


def test_the_default_plan_has_no_problem():
    assert address_plan.problems(**GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pod_cidr": "10.0.128.0/17"}, ["vpcCidr 10.0.0.0/16 overlaps podCidr 10.0.128.0/17"]),
        ({"service_cidr": "10.244.0.0/16"}, ["podCidr 10.244.0.0/16 overlaps serviceCidr 10.244.0.0/16"]),
        ({"vpc_cidr": "10.0.0.1/16"}, ["vpcCidr is '10.0.0.1/16'", "host bits"]),
        ({"vpc_cidr": "10.0.0.0/8"}, ["vpcCidr is '10.0.0.0/8'", "from /16 to /28"]),
        ({"vpc_cidr": "fd00::/64"}, ["vpcCidr is 'fd00::/64'"]),
        ({"pod_cidr": "ten"}, ["podCidr is 'ten'"]),
        ({"pod_cidr": "10.244.0.0/24", "nodes": 2}, ["holds 1 nodes", "2 are declared"]),
        ({"vpc_cidr": "10.0.0.0/28", "zones": 2}, ["cannot hold 2 subnets"]),
    ],
)
def test_a_plan_that_cannot_work_says_which_range_and_why(change, words):
    problems = address_plan.problems(**{**GOOD, **change})
    assert all(any(word in problem for problem in problems) for word in words), problems


def test_every_wrong_range_is_named_at_once():
    problems = address_plan.problems(**{**GOOD, "vpc_cidr": "x", "pod_cidr": "y", "service_cidr": "z"})
    assert [problem.split()[0] for problem in problems] == ["vpcCidr", "podCidr", "serviceCidr"]


@given(networks(16, 24), st.integers(1, 16))
def test_subnets_are_equal_disjoint_parts_of_the_vpc(vpc, count):
    parts = [ipaddress.IPv4Network(cidr) for cidr in address_plan.subnets(vpc, count)]
    assert len(parts) == count
    assert len({part.prefixlen for part in parts}) == 1
    assert all(part.subnet_of(ipaddress.IPv4Network(vpc)) for part in parts)
    assert not any(a.overlaps(b) for a in parts for b in parts if a is not b)


@given(networks(16, 28), networks(8, 24), networks(12, 28))
def test_overlap_is_reported_exactly_when_an_independent_oracle_sees_it(vpc, pods, services):
    def span(cidr):
        base, prefix = cidr.split("/")
        first = int.from_bytes(bytes(map(int, base.split("."))))
        return first, first + 2 ** (32 - int(prefix)) - 1

    def meet(a, b):
        return span(a)[0] <= span(b)[1] and span(b)[0] <= span(a)[1]

    expected = sum(meet(a, b) for a, b in ((vpc, pods), (vpc, services), (pods, services)))
    problems = address_plan.problems(
        vpc_cidr=vpc, pod_cidr=pods, service_cidr=services, zones=1, nodes=1, nodes_in_first_zone=1
    )
    assert sum("overlaps" in problem for problem in problems) == expected


def test_the_cluster_dns_address_is_the_tenth_of_the_service_range():
    assert address_plan.dns_service_ip("10.96.0.0/12") == "10.96.0.10"
