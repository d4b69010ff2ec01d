"""Limits that are known before anything is built."""

from collections import Counter

import pytest

from infra.config import limits
from infra.config.model import parse
from infra.errors import ConfigError
from infra.security import ADMIN, BACKEND_RULES, RULES

ME = ["198.51.100.7/32"]
OFFICE = [f"5.62.{number}.0/24" for number in range(70)]
SCATTERED = [f"5.{number}.0.0/24" for number in range(1, 141, 2)]


def config(**values):
    return parse({"adminCidrs": ME, **values}, stack="dev")


def problems(**values):
    with pytest.raises(ConfigError) as refused:
        config(**values)
    return refused.value.problems


def test_neighbouring_ranges_are_one_range():
    """kubernetes-sigs/aws-load-balancer-controller#4789, terraform-linters/tflint#268."""
    joined = config(adminCidrs=OFFICE)
    assert joined.admin_cidrs == ("5.62.0.0/18", "5.62.64.0/22", "5.62.68.0/23")
    assert not joined.limits
    assert config(adminCidrs=["5.62.9.0/24", "5.62.7.0/24"]).admin_cidrs == ("5.62.9.0/24", "5.62.7.0/24"), (
        "what cannot be joined stays"
    )


@pytest.mark.parametrize(("backend", "most"), [("vxlan", 58), ("host-gw", 30)])
def test_more_ranges_than_a_group_has_rules_are_remarked(backend, most):
    at_most, beyond = SCATTERED[:most], SCATTERED[: most + 1]
    assert not config(adminCidrs=at_most, flannelBackend=backend).limits
    (remark,) = config(adminCidrs=beyond, flannelBackend=backend).limits
    assert remark.startswith(
        f"adminCidrs has {most + 1} ranges: a security group takes 60 rules by default, and with {backend} "
        f"{most} ranges fit"
    )


@pytest.mark.parametrize("backend", BACKEND_RULES)
def test_the_rules_are_counted_as_they_are_declared(backend):
    """At the most no group of infra/security.py has more rules than AWS takes; with one range more some
    group has.
    """

    def fullest(ranges):
        counts = Counter()
        for rule in (*RULES, *BACKEND_RULES[backend]):
            counts[rule.target] += ranges if rule.source == ADMIN else 1
        return max(counts.values())

    most = limits.most_ranges(backend)
    assert fullest(most) <= limits.RULES_OF_A_GROUP < fullest(most + 1)


@pytest.mark.parametrize(
    ("instance_type", "ignored", "lacks"),
    [
        ("t2.micro", [], "2 CPUs (NumCPU) and 1700 MB of memory (Mem)"),
        ("t2.micro", ["NumCPU"], "1700 MB of memory (Mem)"),
        ("t2.small", [], "2 CPUs (NumCPU)"),
        ("t3.micro", [], "1700 MB of memory (Mem)"),
        ("t2.micro", ["NumCPU", "Mem"], ""),
        ("t3.small", [], ""),
        ("t3.medium", [], ""),
    ],
)
def test_a_control_plane_that_kubeadm_refuses_is_refused_before(instance_type, ignored, lacks):
    """kubernetes/kubeadm#2479."""
    values = {"controlPlane": {"instanceType": instance_type}, "ignorePreflightErrors": ignored}
    if lacks:
        (problem,) = problems(**values)
        assert problem.startswith(
            f"controlPlane.instanceType is {instance_type!r}: kubeadm wants {lacks}, which it does not have; "
        )
    else:
        assert not config(**values).limits


def test_windows_workers_with_little_memory_are_remarked():
    pools = [
        {"name": name, "os": os, "count": 1, "instanceType": "t3.small"}
        for name, os in (("l", "ubuntu-24.04"), ("w", "windows-2022"))
    ]
    (remark,) = config(nodePools=pools).limits
    assert remark.startswith("Windows workers of type t3.small have less than 4 GiB of memory")


@pytest.mark.parametrize(
    ("key", "cidr"), [("vpcCidr", "20.0.0.0/16"), ("podCidr", "20.0.0.0/16"), ("serviceCidr", "20.0.0.0/16")]
)
def test_a_range_that_is_public_on_the_internet_is_remarked(key, cidr):
    (remark,) = config(**{key: cidr}).limits
    assert remark.startswith(f"{key} {cidr} is public")
    assert remark in config(**{key: cidr}).notes


@pytest.mark.parametrize("cidr", ["100.64.0.0/16", "172.20.0.0/16", "192.168.0.0/16", "198.18.0.0/16"])
def test_a_range_that_is_never_on_the_internet_needs_no_word(cidr):
    assert not config(vpcCidr=cidr).limits
