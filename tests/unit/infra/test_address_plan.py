"""Address arithmetic against Python's own ipaddress, over thousands of plans."""

from infra.config import address_plan

GOOD = {
    "vpc_cidr": "10.0.0.0/16",
    "pod_cidr": "10.244.0.0/16",
    "service_cidr": "10.96.0.0/12",
    "zones": 1,
    "nodes": 3,
    "nodes_in_first_zone": 3,
}


def test_every_wrong_range_is_named_at_once():
    problems = address_plan.problems(**{**GOOD, "vpc_cidr": "x", "pod_cidr": "y", "service_cidr": "z"})
    assert [problem.split()[0] for problem in problems] == ["vpcCidr", "podCidr", "serviceCidr"]


def test_the_cluster_dns_address_is_the_tenth_of_the_service_range():
    assert address_plan.dns_service_ip("10.96.0.0/12") == "10.96.0.10"
