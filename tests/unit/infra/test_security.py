"""The table of who may talk to whom."""

import pytest

from infra import security
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


# --- as it is declared

INGRESS, EGRESS = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
)


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


def test_machines_may_reach_everything():
    (rule,) = deployed("committed", "up").of(EGRESS)
    assert (rule.inputs["cidrIpv4"], rule.inputs["ipProtocol"]) == ("0.0.0.0/0", "-1")
