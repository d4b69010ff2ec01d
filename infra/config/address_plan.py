"""Address arithmetic: how the VPC is cut into subnets, and which ranges may not meet."""

import ipaddress
from collections.abc import Collection, Mapping
from itertools import combinations
from math import ceil, log2

# AWS refuses VPCs and subnets outside these sizes (Amazon VPC user guide, "VPC CIDR blocks" and "Subnet CIDR
# blocks").
VPC_PREFIXES = range(16, 29)
SUBNET_PREFIX_MAX = 28
# An IPv6 range, the longest that a person may mean, has 43 characters; a sentence about more would not be
# read.
LONGEST_RANGE = 43
SUBNET_PREFIX_PREFERRED = 20
# kube-controller-manager cuts a /24 a node from the pod range (--node-cidr-mask-size).
NODE_POD_PREFIX = 24
POD_PREFIXES = range(8, NODE_POD_PREFIX + 1)
# kubeadm refuses a service range that is too small for its own Services, the API server one above 2^20
# addresses.
SERVICE_PREFIXES = range(12, 29)
DNS_SERVICE_HOST = 10
# The first four addresses of a subnet and its last are AWS's own (Amazon VPC user guide, "Subnet sizing").
SUBNET_RESERVED = 5
# Addresses that no network can have (IANA IPv4 Special-Purpose Address Registry).
SPECIAL = {
    "0.0.0.0/8": "this host",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, where machines find their metadata",
    "224.0.0.0/3": "multicast and reserved",
}


def parse(cidr: str) -> ipaddress.IPv4Network:
    """An IPv4 network without host bits; ValueError says what is wrong."""
    network = ipaddress.IPv4Network(cidr, strict=True)
    if str(network) != cidr:  # Python also takes a mask, or leading zeros; AWS does not.
        raise ValueError(f"it is written {network}")
    return network


def subnets(vpc_cidr: str, count: int) -> list[str]:
    """`count` equal subnets from the start of the VPC, /20 where the VPC is large enough for that."""
    vpc = parse(vpc_cidr)
    prefix = max(SUBNET_PREFIX_PREFERRED, vpc.prefixlen + ceil(log2(count)))
    if prefix > SUBNET_PREFIX_MAX:
        raise ValueError(f"{vpc_cidr} cannot hold {count} subnets of at least /{SUBNET_PREFIX_MAX}")
    return [str(network) for network, _ in zip(vpc.subnets(new_prefix=prefix), range(count), strict=False)]


def dns_service_ip(service_cidr: str) -> str:
    """The cluster DNS address that kubeadm gives CoreDNS: the tenth address of the service range."""
    return str(parse(service_cidr)[DNS_SERVICE_HOST])


def node_capacity(pod_cidr: str) -> int:
    """How many nodes the pod range can serve, each with a /24."""
    return 2 ** (NODE_POD_PREFIX - parse(pod_cidr).prefixlen)


def hold_every_address(cidrs: Collection[str]) -> bool:
    """Whether the ranges together leave nobody out."""
    return [*ipaddress.collapse_addresses(map(parse, cidrs))] == [ipaddress.IPv4Network("0.0.0.0/0")]


def range_problems(key: str, cidr: str, prefixes: range) -> list[str]:
    """List the problems of one range by itself."""
    accepted = (
        f"an IPv4 range from /{prefixes[0]} to /{prefixes[-1]} without host bits, e.g. 10.0.0.0/{prefixes[0]}"
    )
    if len(cidr) > LONGEST_RANGE:
        return [f"{key} is {cidr[:LONGEST_RANGE]!r}...: too long for a range; accepted is {accepted}"]
    try:
        network = parse(cidr)
    except ValueError as error:
        return [f"{key} is {cidr!r}: {error}; accepted is {accepted}"]
    if network.prefixlen not in prefixes:
        return [f"{key} is {cidr!r}: a /{network.prefixlen} is out of bounds; accepted is {accepted}"]
    return []


def overlap_problems(ranges: Mapping[str, str]) -> list[str]:
    """Every pair of ranges that meet: traffic to one would be lost in the other."""
    return [
        f"{a} {ranges[a]} overlaps {b} {ranges[b]}: packets for one would be routed to the other; choose "
        f"ranges that do not meet"
        for a, b in combinations(ranges, 2)
        if parse(ranges[a]).overlaps(parse(ranges[b]))
    ]


def special_problems(ranges: Mapping[str, str]) -> list[str]:
    """Every range that holds addresses with a meaning of their own."""
    return [
        f"{key} {cidr} meets {special} ({meaning}); choose a private range, e.g. in 10.0.0.0/8"
        for key, cidr in ranges.items()
        for special, meaning in SPECIAL.items()
        if parse(cidr).overlaps(parse(special))
    ]


def problems(
    *, vpc_cidr: str, pod_cidr: str, service_cidr: str, zones: int, nodes: int, nodes_in_first_zone: int
) -> list[str]:
    """Everything wrong with an address plan, one sentence each; empty when it can be built."""
    single = [
        *range_problems("vpcCidr", vpc_cidr, VPC_PREFIXES),
        *range_problems("podCidr", pod_cidr, POD_PREFIXES),
        *range_problems("serviceCidr", service_cidr, SERVICE_PREFIXES),
    ]
    if single:
        return single
    ranges = {"vpcCidr": vpc_cidr, "podCidr": pod_cidr, "serviceCidr": service_cidr}
    found = [*special_problems(ranges), *overlap_problems(ranges), *_pod_capacity_problems(pod_cidr, nodes)]
    return [*found, *_subnet_problems(vpc_cidr, zones, nodes_in_first_zone)]


def _pod_capacity_problems(pod_cidr: str, nodes: int) -> list[str]:
    if nodes <= node_capacity(pod_cidr):
        return []
    return [
        f"podCidr {pod_cidr} holds {node_capacity(pod_cidr)} nodes with a /{NODE_POD_PREFIX} each, "
        f"but {nodes} are declared; widen podCidr or lower the pools' count"
    ]


def _subnet_problems(vpc_cidr: str, zones: int, nodes_in_first_zone: int) -> list[str]:
    try:
        first = subnets(vpc_cidr, max(zones, 1))[0]
    except ValueError as error:
        return [f"vpcCidr: {error}; widen vpcCidr or name fewer availabilityZones"]
    room = parse(first).num_addresses - SUBNET_RESERVED
    if nodes_in_first_zone <= room:
        return []
    # A subnet never gets more than a /20, however wide the VPC is.
    remedy = (
        "name more availabilityZones"
        if parse(first).prefixlen == SUBNET_PREFIX_PREFERRED
        else "widen vpcCidr"
    )
    return [
        f"vpcCidr {vpc_cidr} leaves {room} addresses in {first}, but {nodes_in_first_zone} nodes go there; "
        f"{remedy} or lower the pools' count"
    ]
