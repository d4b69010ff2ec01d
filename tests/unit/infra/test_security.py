"""The table of who may talk to whom."""

import pytest

from infra import security
from infra.config.naming import Names
from tests.support.engine import deploy
from tests.support.stacks import STACKS, deployed

ADMINS = ("203.0.113.7/32", "198.51.100.0/24")
ALL_RULES = [*security.RULES, *(rule for rules in security.BACKEND_RULES.values() for rule in rules)]


def test_every_rule_has_a_name_of_its_own():
    names = [rule.name for rule in ALL_RULES]
    assert len(set(names)) == len(names), "two rules of one name would be one resource in the state"


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_every_rule_says_why_in_words_that_aws_accepts(rule):
    accepted = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. _-:/()#,@[]+=&;{}!$*"
    assert rule.why
    assert len(rule.why) <= 255
    assert set(rule.why) <= set(accepted), "EC2 refuses other characters in a rule's description"


def test_administrators_reach_the_api_the_node_ports_and_rdp_and_nothing_else():
    everywhere = {
        ("control-plane", (6443, 6443)),
        ("nodes", (30000, 32767)),
        ("windows-worker", (3389, 3389)),
    }
    assert {
        (rule.target, rule.ports) for rule in security.RULES if rule.source == security.ADMIN
    } == everywhere
    by_backend = {
        name: {(rule.target, rule.ports) for rule in rules if rule.source == security.ADMIN}
        for name, rules in security.BACKEND_RULES.items()
    }
    assert by_backend == {"vxlan": set(), "host-gw": {("windows-worker", (80, 80))}}, (
        "win-overlay opens no hostPort"
    )


def test_etcd_is_open_to_the_control_plane_alone():
    assert {rule.source for rule in ALL_RULES if rule.ports == (2379, 2380)} == {"control-plane"}


def test_vxlan_uses_the_only_port_that_windows_knows():
    (rule,) = security.BACKEND_RULES["vxlan"]
    assert (rule.protocol, rule.ports, rule.source, rule.target) == ("udp", (4789, 4789), "nodes", "nodes")


# --- as it is declared

INGRESS, EGRESS = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
)


@pytest.mark.parametrize("stack", STACKS)
def test_no_port_is_open_to_the_internet(stack):
    rules = deployed(stack, "up").of(INGRESS)
    ranges = {rule.inputs["cidrIpv4"] for rule in rules if "cidrIpv4" in rule.inputs}
    assert ranges <= {"203.0.113.7/32", "198.51.100.0/24", "172.16.0.0/16"}, "the pods' range is host-gw's"
    assert not any("cidrIpv6" in rule.inputs or "prefixListId" in rule.inputs for rule in rules)


@pytest.mark.parametrize("stack", STACKS)
def test_each_rule_has_exactly_one_source_and_ports_that_fit_its_protocol(stack):
    """EC2 refuses a rule with two sources, and ports of protocol -1."""
    for rule in deployed(stack, "up").of(INGRESS):
        assert ("cidrIpv4" in rule.inputs) != ("referencedSecurityGroupId" in rule.inputs), rule.name
        assert ("fromPort" in rule.inputs, "toPort" in rule.inputs) == (
            (rule.inputs["ipProtocol"] != "-1"),
        ) * 2, rule.name


def test_rules_are_resources_and_never_inline():
    """A group with inline rules removes all others."""
    assert not any(
        {"ingress", "egress"} & r.inputs.keys()
        for r in deployed("host-gw", "up").of("aws:ec2/securityGroup:SecurityGroup")
    )


def test_every_administrators_range_has_rules_of_its_own():
    """Adding one leaves the others alone."""
    found = deployed("many-pools", "up").of(INGRESS)
    by_range = {
        cidr: {
            r.name.removesuffix(f"-{cidr.replace('/', '-')}")
            for r in found
            if r.inputs.get("cidrIpv4") == cidr
        }
        for cidr in ADMINS
    }
    assert by_range[ADMINS[0]] == by_range[ADMINS[1]] != set()


def test_a_stack_that_is_meant_to_be_public_is_open_where_administrators_are():
    """And nowhere else."""
    args = security.SecurityArgs(
        names=Names(stack="dev"),
        vpc_id="vpc-1",
        admin_cidrs=("0.0.0.0/0",),
        pod_cidr="10.244.0.0/16",
        flannel_backend="vxlan",
    )
    found = deploy(lambda: security.Security("security", args) and None).of(INGRESS)
    assert {r.inputs["toPort"] for r in found if r.inputs.get("cidrIpv4") == "0.0.0.0/0"} == {
        6443,
        32767,
        3389,
    }


def test_machines_may_reach_everything():
    (rule,) = deployed("committed", "up").of(EGRESS)
    assert (rule.inputs["cidrIpv4"], rule.inputs["ipProtocol"]) == ("0.0.0.0/0", "-1")
