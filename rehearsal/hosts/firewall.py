"""Translate security groups and source/destination checks into the open ports of Elastic IPs and the nftables
rules between machines.

Pure.

Elastic IPs are loopback addresses here, so their clients come from 127.0.0.0/8. For the security groups the
person or program that runs the rehearsal is 127.0.0.1, and a rule admits it if its CIDR holds that address.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from rehearsal.hosts.layout import port_of
from rehearsal.hosts.model import Instance, Permission

LOOPBACK = IPv4Network("127.0.0.0/8")
_LAST_PORT = 65535
_TCP, _EVERYTHING = ("tcp", "6"), "-1"
# AWS returns protocols without a name of their own as numbers; nft accepts both.
_WITH_PORTS = {"tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp"}
TABLE = "security_groups"
CHECKS = "source_dest_check"

Ports = dict[int, tuple[IPv4Network, ...]]


def host_ports(instance: Instance, ingress: Mapping[str, tuple[Permission, ...]]) -> Ports:
    """Return the TCP ports that the instance's groups open to loopback addresses, each with its sources."""
    ports: dict[int, set[IPv4Network]] = {}
    for permission in _permissions(instance, ingress):
        sources = {cidr for cidr in permission.cidrs if cidr.overlaps(LOOPBACK)}
        if sources and permission.protocol in (*_TCP, _EVERYTHING):
            for port in _port_range(permission):
                ports.setdefault(port, set()).update(sources)
    return {port: tuple(sorted(sources)) for port, sources in sorted(ports.items())}


def admits(sources: Iterable[IPv4Network], peer: str) -> bool:
    """Report whether a connection from this address is allowed."""
    return any(IPv4Address(peer) in source for source in sources)


def ruleset(instances: Iterable[Instance], ingress: Mapping[str, tuple[Permission, ...]]) -> str:
    """Return the nftables rules of one VPC's router: a packet passes if a group of the target machine allows
    it.

    A group as a source means the private addresses of its members, as in AWS. Answers to established
    connections always pass. A packet from the same subnet is judged by the port that it leaves through, since
    its target may be a pod (Flannel's host-gw); a routed packet, by the address that it was routed to.
    """
    machines = sorted(instances, key=lambda instance: instance.id)
    chains = [_chain(machine, _permissions(machine, ingress), machines) for machine in machines]
    verdicts = ", ".join(f"{machine.private_ip} : jump {machine.id}" for machine in machines)
    by_mark = ", ".join(f"{mark} : jump {machine.id}" for mark, machine in enumerate(machines, 1))
    dispatch = f"    meta mark vmap {{ {by_mark} }}\n    ip daddr vmap {{ {verdicts} }}\n" if machines else ""
    return (
        _source_dest_checks(machines) + f"table inet {TABLE}\n"
        f"delete table inet {TABLE}\n"
        f"table inet {TABLE} {{\n"
        + "".join(chains)
        + "  chain forward {\n"
        + "    type filter hook forward priority filter; policy accept;\n"
        + "    ct state established,related accept\n"
        + dispatch
        + "  }\n}\n"
    )


def _source_dest_checks(machines: list[Instance]) -> str:
    """Rules for packets that an interface with its check on neither sends nor gets, and the mark of the
    machine that a packet leaves for.

    docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html, "Disable source/destination
    checks": an instance must then be the source or the destination of any traffic that it sends or receives.
    """
    checked = [machine for machine in machines if machine.source_dest_check]
    sent = [
        f'    iifname "{port_of(machine.id)}" ip saddr != {machine.private_ip} drop\n' for machine in checked
    ]
    received = [
        f'    oifname "{port_of(machine.id)}" ip daddr != {machine.private_ip} drop\n' for machine in checked
    ]
    ports = ", ".join(f'"{port_of(machine.id)}" : {mark}' for mark, machine in enumerate(machines, 1))
    marks = [f"    meta mark set oifname map {{ {ports} }}\n"] if machines else []
    hooks = {"prerouting": sent, "forward": marks, "postrouting": received}
    # Before -200 nothing of the kernel's own looks at a bridged packet (linux/netfilter_bridge.h).
    chains = [
        f"  chain {hook} {{\n    type filter hook {hook} priority -250; policy accept;\n{''.join(rules)}  "
        f"}}\n"
        for hook, rules in hooks.items()
    ]
    return (
        f"table bridge {CHECKS}\ndelete table bridge {CHECKS}\ntable bridge {CHECKS} "
        f"{{\n{''.join(chains)}}}\n"
    )


def _chain(machine: Instance, permissions: list[Permission], machines: list[Instance]) -> str:
    rules = [_rule(permission, _sources(permission, machines)) for permission in permissions]
    return (
        f"  chain {machine.id} {{\n" + "".join(f"    {rule}\n" for rule in rules if rule) + "    drop\n  }\n"
    )


def _rule(permission: Permission, sources: list[str]) -> str:
    if not sources:
        return ""
    return f"{_protocol(permission)}ip saddr {{ {', '.join(sources)} }} accept"


def _protocol(permission: Permission) -> str:
    if permission.protocol == _EVERYTHING:
        return ""
    name = _WITH_PORTS.get(permission.protocol)
    if name is None or permission.first is None or permission.first < 0:
        return f"meta l4proto {name or permission.protocol} "
    return f"{name} dport {permission.first}-{permission.last} "


def _sources(permission: Permission, machines: list[Instance]) -> list[str]:
    """Return the sources without addresses that a CIDR already covers: nft refuses sets with overlapping
    elements.
    """
    members = {m.private_ip for m in machines if any(id in permission.groups for id, _ in m.security_groups)}
    cidrs = [
        cidr
        for cidr in set(permission.cidrs)
        if not any(cidr != other and cidr.subnet_of(other) for other in permission.cidrs)
    ]
    alone = [address for address in members if not any(address in cidr for cidr in cidrs)]
    return [str(cidr) for cidr in sorted(cidrs)] + [str(address) for address in sorted(alone)]


def _permissions(instance: Instance, ingress: Mapping[str, tuple[Permission, ...]]) -> list[Permission]:
    return [permission for id, _ in instance.security_groups for permission in ingress.get(id, ())]


def _port_range(permission: Permission) -> range:
    if permission.protocol == _EVERYTHING or permission.first is None or permission.last is None:
        return range(1, _LAST_PORT + 1)
    return range(max(permission.first, 1), permission.last + 1)
