"""Limits that are known before anything is built: what kubeadm wants of a machine, how many rules a security
group takes.

What is certain is a problem of the configuration. What an account may have changed, or what merely goes
badly, is a remark.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, collapse_addresses

# kubeadm v1.35.8 cmd/kubeadm/app/constants/constants.go: ControlPlaneNumCPU 2, ControlPlaneMem 1700 (MB),
# both of a control plane.
CONTROL_PLANE_CPUS, CONTROL_PLANE_MB = 2, 1700
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types: amd64 types with one vCPU, and types with less
# memory than that.
_ONE_CPU = frozenset({"t1.micro", "t2.nano", "t2.micro", "t2.small", "m1.small", "m1.medium", "m3.medium"})
_LITTLE_MEMORY = frozenset(
    {
        "t1.micro",
        "m1.small",
        *(f"{family}.{size}" for family in ("t2", "t3", "t3a") for size in ("nano", "micro")),
    }
)
_BELOW_4_GIB = _LITTLE_MEMORY | {"t2.small", "t3.small", "t3a.small", "m1.medium", "m3.medium"}
# docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: inbound rules of a group, by default; a
# quota may raise them.
RULES_OF_A_GROUP = 60
# Service Quotas: "Inbound or outbound rules per security group", of the service vpc.
RULES_QUOTA = "L-0EA8095F"
# Rules of the fullest group besides those of adminCidrs, and rules for each range: infra/security.py, RULES
# and BACKEND_RULES.
_OTHER_RULES = {"vxlan": 2, "host-gw": 3}
_RULES_OF_A_RANGE = {"vxlan": 1, "host-gw": 2}
# Addresses that are never on the Internet: RFC 1918, RFC 6598, RFC 2544.
_PRIVATE = [
    IPv4Network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15")
]


def collapsed(cidrs: Sequence[str]) -> tuple[str, ...]:
    """Join ranges that are neighbours or hold one another: each range is a rule in several groups.

    A bad range leaves all as they are.
    """
    try:
        networks = [IPv4Network(cidr) for cidr in cidrs]
    except ValueError:
        return tuple(cidrs)
    joined = [str(network) for network in collapse_addresses(networks)]
    # Ranges that together are the whole Internet stay as they are written, for the sentence that refuses
    # them.
    return tuple(cidrs) if len(joined) == len(cidrs) or "0.0.0.0/0" in joined else tuple(joined)


def most_ranges(flannel_backend: str) -> int:
    """How many adminCidrs fit into the fullest security group of an account with AWS' default quota."""
    return min(
        RULES_OF_A_GROUP - _OTHER_RULES[flannel_backend],
        RULES_OF_A_GROUP // _RULES_OF_A_RANGE[flannel_backend],
    )


def rules_needed(ranges: int, flannel_backend: str) -> int:
    """How many rules the fullest security group of a stack has with so many adminCidrs."""
    return max(ranges + _OTHER_RULES[flannel_backend], ranges * _RULES_OF_A_RANGE[flannel_backend])


def control_plane_problems(instance_type: str, ignored: Iterable[str]) -> list[str]:
    """Why kubeadm's preflight checks refuse a control plane of this type, unless they are ignored."""
    skipped = {name.lower() for name in ignored}
    short: list[str] = []
    if instance_type in _ONE_CPU and not skipped & {"numcpu", "all"}:
        short.append(f"{CONTROL_PLANE_CPUS} CPUs (NumCPU)")
    if instance_type in _LITTLE_MEMORY and not skipped & {"mem", "all"}:
        short.append(f"{CONTROL_PLANE_MB} MB of memory (Mem)")
    if not short:
        return []
    wanted = " and ".join(short)
    return [
        f"controlPlane.instanceType is {instance_type!r}: kubeadm wants {wanted}, which it does not have; "
        "choose e.g. t3.medium, or name these checks in ignorePreflightErrors"
    ]


def remarks(
    admin_cidrs: Sequence[str], flannel_backend: str, windows_types: Iterable[str], ranges: dict[str, str]
) -> list[str]:
    """List what may fail, or goes badly, one sentence each."""
    found: list[str] = []
    if len(admin_cidrs) > (most := most_ranges(flannel_backend)):
        found.append(
            f"adminCidrs has {len(admin_cidrs)} ranges: a security group takes {RULES_OF_A_GROUP} rules by "
            f"default, and with "
            f"{flannel_backend} {most} ranges fit; name fewer and wider ranges, or have the quota "
            f"{RULES_QUOTA} raised first"
        )
    for small in sorted({kind for kind in windows_types if kind in _BELOW_4_GIB}):
        found.append(
            f"Windows workers of type {small} have less than 4 GiB of memory: Windows and one container "
            f"fill that; choose e.g. t3.large"
        )
    for key, cidr in ranges.items():
        network = IPv4Network(cidr)
        if not any(network.subnet_of(private) for private in _PRIVATE):
            found.append(
                f"{key} {cidr} is public: what the Internet has at these addresses cannot be reached; "
                f"choose e.g. a part of 10.0.0.0/8"
            )
    return found
