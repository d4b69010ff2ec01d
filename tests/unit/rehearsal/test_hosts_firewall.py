"""Test the ports of Elastic IPs and the rules between machines."""

from ipaddress import IPv4Network

import pytest

from rehearsal.hosts.firewall import admits, host_ports, ruleset
from rehearsal.hosts.model import Permission

from .hosts_values import an_instance


def cidrs(*texts: str) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(text) for text in texts)


def ports(*permissions: Permission) -> dict[int, tuple[IPv4Network, ...]]:
    return host_ports(an_instance(), {"sg-1": permissions})


def test_an_elastic_ip_answers_on_every_port_of_a_rule_for_loopback() -> None:
    runner = cidrs("127.0.0.1/32")
    rule = Permission(protocol="tcp", first=30000, last=32767, cidrs=runner)
    opened = ports(rule, Permission(protocol="tcp", first=6443, last=6443, cidrs=runner))
    assert len(opened) == 2769
    assert opened[6443] == opened[30000] == opened[32767] == runner


def test_rules_for_others_open_nothing_on_the_host() -> None:
    assert (
        ports(
            Permission(protocol="tcp", first=22, last=22, cidrs=cidrs("203.0.113.0/24", "10.0.0.0/16")),
            Permission(protocol="tcp", first=10250, last=10250, groups=("sg-1",)),
            Permission(protocol="udp", first=4789, last=4789, cidrs=cidrs("127.0.0.0/8")),
        )
        == {}
    )


def test_the_sources_of_a_port_add_up_and_decide_about_each_connection() -> None:
    first = Permission(protocol="tcp", first=80, last=81, cidrs=cidrs("127.0.0.1/32"))
    second = Permission(protocol="6", first=81, last=81, cidrs=cidrs("127.0.0.7/32"))
    opened = ports(first, second)
    assert admits(opened[81], "127.0.0.7")
    assert not admits(opened[80], "127.0.0.7")


A = an_instance("i-a", "10.0.16.4")
B = an_instance("i-b", "10.0.16.5", security_groups=(("sg-2", "other"),))


def chain(of: str, *permissions: Permission) -> list[str]:
    """Return the rules of one machine's chain."""
    rules = ruleset([A, B], {"sg-1": permissions})
    return [
        line.strip()
        for line in rules.partition(f"chain {of} {{\n")[2].partition("}\n  chain")[0].splitlines()
        if line.strip(" }")
    ]


@pytest.mark.parametrize(
    ("permission", "rule"),
    [
        (
            Permission(protocol="tcp", first=6443, last=6443, groups=("sg-2",)),
            "tcp dport 6443-6443 ip saddr { 10.0.16.5 } accept",
        ),
        (
            Permission(protocol="17", first=4789, last=4789, groups=("sg-1",)),
            "udp dport 4789-4789 ip saddr { 10.0.16.4 } accept",
        ),
        (Permission(protocol="-1", cidrs=cidrs("10.0.0.0/16")), "ip saddr { 10.0.0.0/16 } accept"),
        (
            Permission(protocol="tcp", cidrs=cidrs("10.0.0.0/16")),
            "meta l4proto tcp ip saddr { 10.0.0.0/16 } accept",
        ),
        (
            Permission(protocol="icmp", cidrs=cidrs("0.0.0.0/0")),
            "meta l4proto icmp ip saddr { 0.0.0.0/0 } accept",
        ),
    ],
)
def test_a_permission_becomes_one_rule_and_the_rest_is_dropped(permission: Permission, rule: str) -> None:
    assert chain("i-a", permission) == [rule, "drop"]


def test_sources_that_overlap_are_merged() -> None:
    """nft refuses a set with `10.0.16.4` beside `10.0.0.0/16`."""
    permission = Permission(
        protocol="-1", cidrs=cidrs("10.0.0.0/16", "10.0.16.0/20", "192.0.2.0/24"), groups=("sg-1", "sg-2")
    )
    assert chain("i-a", permission) == ["ip saddr { 10.0.0.0/16, 192.0.2.0/24 } accept", "drop"]


def test_a_vpc_without_machines_has_rules_without_an_empty_set() -> None:
    assert "vmap" not in ruleset([], {}), "nft refuses an empty map"


def test_a_machine_with_its_check_on_neither_sends_nor_gets_what_is_another_addresses():
    rules = ruleset(
        [an_instance("i-a", "10.0.16.4"), an_instance("i-b", "10.0.16.5", source_dest_check=False)], {}
    )
    assert 'iifname "ve-i-a" ip saddr != 10.0.16.4 drop' in rules
    assert 'oifname "ve-i-a" ip daddr != 10.0.16.4 drop' in rules
    assert 'ifname "ve-i-b" ip' not in rules, "its check is off"


def test_the_groups_of_a_machine_judge_what_leaves_through_its_port():
    rules = ruleset([an_instance("i-b", "10.0.16.5"), an_instance("i-a", "10.0.16.4")], {})
    assert 'meta mark set oifname map { "ve-i-a" : 1, "ve-i-b" : 2 }' in rules
    assert "meta mark vmap { 1 : jump i-a, 2 : jump i-b }" in rules
    assert rules.index("meta mark vmap") < rules.index("ip daddr vmap"), (
        "a pod's address says nothing of the machine"
    )
