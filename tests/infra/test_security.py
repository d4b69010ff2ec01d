"""The table of who may talk to whom."""

import pytest

from infra import security

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
    everywhere = {("control-plane", (6443, 6443)), ("nodes", (30000, 32767)), ("windows-worker", (3389, 3389))}
    assert {(rule.target, rule.ports) for rule in security.RULES if rule.source == security.ADMIN} == everywhere
    by_backend = {
        name: {(rule.target, rule.ports) for rule in rules if rule.source == security.ADMIN} for name, rules in security.BACKEND_RULES.items()
    }
    assert by_backend == {"vxlan": set(), "host-gw": {("windows-worker", (80, 80))}}, "win-overlay opens no hostPort"


def test_etcd_is_open_to_the_control_plane_alone():
    assert {rule.source for rule in ALL_RULES if rule.ports == (2379, 2380)} == {"control-plane"}


def test_vxlan_uses_the_only_port_that_windows_knows():
    (rule,) = security.BACKEND_RULES["vxlan"]
    assert (rule.protocol, rule.ports, rule.source, rule.target) == ("udp", (4789, 4789), "nodes", "nodes")
