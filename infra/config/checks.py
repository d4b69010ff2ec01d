"""Checks of a configuration as a whole: what no single value shows to be wrong.

Each adds its problems, a sentence each, to a list.
"""

from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from ..node import userdata
from . import address_plan, limits, naming
from .reading import shown

if TYPE_CHECKING:
    from .model import StackConfig
    from .pools import NodePool


def whole(config: "StackConfig", public_admin: bool, problems: list[str]) -> None:
    """Check a configuration whose values are read; `public_admin` says that the whole Internet is meant."""
    _check_admin_access(config, public_admin, problems)
    _check_network(config, problems)
    _check_pools(config, problems)
    _check_preflight(config.ignore_preflight_errors, problems)
    problems += limits.control_plane_problems(
        config.control_plane.instance_type, config.ignore_preflight_errors
    )
    _check_expiry(config.names.expires_at, problems)


def taints(where: str, pool: "NodePool", problems: list[str]) -> None:
    """The API server refuses a node with two taints of one key and effect."""
    places = [(taint["key"], taint["effect"]) for taint in userdata.node_taints(pool.os.family, pool.taints)]
    for key, effect in sorted({place for place in places if places.count(place) > 1}):
        own = (
            "; every Windows node has it already"
            if f"{key}=windows:{effect}" == userdata.WINDOWS_TAINT
            else ""
        )
        problems.append(f"{where}taints has {key} with {effect} twice{own}; name each key and effect once")


def stack_name(stack: str, problems: list[str]) -> None:
    if wrong := naming.stack_name_problem(stack):
        problems.append(
            f"the stack's name is {shown(stack)}: {wrong}; choose another with `pulumi stack init`"
        )


def _check_admin_access(config: "StackConfig", public_is_meant: bool, problems: list[str]) -> None:
    if not config.admin_cidrs and not any(problem.startswith("adminCidrs") for problem in problems):
        problems.append(
            "adminCidrs is missing: nobody could reach the API; name the ranges that may, e.g. "
            "`pulumi config set --path 'adminCidrs[0]' \"$(curl -s https://checkip.amazonaws.com)/32\"`"
        )
    wrong = [
        problem
        for cidr in config.admin_cidrs
        for problem in address_plan.range_problems("adminCidrs", cidr, range(33))
    ]
    problems.extend(wrong)
    if not wrong and address_plan.hold_every_address(config.admin_cidrs) and not public_is_meant:
        holds = (
            "holds 0.0.0.0/0"
            if "0.0.0.0/0" in config.admin_cidrs
            else "holds ranges that together are 0.0.0.0/0"
        )
        problems.append(
            f"adminCidrs {holds}: the API, the NodePorts and RDP would be open to the whole Internet; "
            "name your own ranges, or set allowPublicAdmin to true if that is what you want"
        )


def _check_network(config: "StackConfig", problems: list[str]) -> None:
    zones = config.availability_zones
    if config.flannel_backend == "host-gw" and len(zones) > 1:
        problems.append(
            "flannelBackend is 'host-gw': it needs all nodes in one subnet, but several availabilityZones "
            "are named; name one, or use vxlan"
        )
    problems.extend(
        address_plan.problems(
            vpc_cidr=config.vpc_cidr,
            pod_cidr=config.pod_cidr,
            service_cidr=config.service_cidr,
            zones=len(zones),
            nodes=len(config.node_names),
            # Every pool begins in the first zone, where the control plane is.
            nodes_in_first_zone=1 + sum(ceil(pool.count / max(len(zones), 1)) for pool in config.node_pools),
        )
    )


def _check_pools(config: "StackConfig", problems: list[str]) -> None:
    names = [pool.name for pool in config.node_pools]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        problems.append(
            f"nodePools has two pools named {name!r}; their nodes would have the same names; give each pool "
            f"its own"
        )
    if naming.CONTROL_PLANE in config.node_names[1:] or naming.CONTROL_PLANE in names:
        problems.append(
            f"nodePools has a pool named {naming.CONTROL_PLANE!r}, the control plane's own name; choose "
            f"another"
        )
    families = {pool.os.family for pool in config.node_pools if pool.count}
    # A system that was refused may be the one that would seem to be missing.
    if (
        config.workloads
        and families != {"linux", "windows"}
        and not any("].os is " in problem for problem in problems)
    ):
        missing = ", ".join(sorted({"linux", "windows"} - families))
        problems.append(
            f"workloads is true, but no pool has a {missing} node: the page needs Linux, CCAuth Windows; "
            f"add a pool or set workloads to false"
        )


def _check_preflight(ignored: tuple[str, ...], problems: list[str]) -> None:
    """kubeadm's own rule (v1.35.8, apis/kubeadm/validation, ValidateIgnorePreflightErrors), which only the
    machines would tell.
    """
    names = {name.lower() for name in ignored}
    if "all" in names and len(names) > 1:
        problems.append(
            "ignorePreflightErrors names all and others besides, which kubeadm refuses; name all alone, or "
            "only the others"
        )


def _check_expiry(expires_at: str, problems: list[str]) -> None:
    try:
        datetime.fromisoformat(expires_at or "2027-01-31T18:00:00Z")
    except ValueError as error:
        problems.append(f"expiresAt is {expires_at!r}: {error}; accepted is a date that the calendar has")
