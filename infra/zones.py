"""Availability zones: which instance types each must have, and the one that is chosen when the configuration
names none.

AWS chooses a subnet's zone without regard to instance types, and not every zone has every type: us-east-1e
has no t3, for example.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import version

import pulumi
from pulumi.runtime import invoke_async

from .config.model import StackConfig
from .errors import ZoneError

# The zones that have each instance type.
Offers = Mapping[str, Collection[str]]
_FUNCTION = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"


def wanted(config: StackConfig) -> list[set[str]]:
    """List the instance types of each named zone, in the order of the zones; without any, those of the one
    zone.
    """
    types: list[set[str]] = [set() for _ in config.availability_zones or ("",)]
    types[0].add(config.control_plane.instance_type)
    for pool in config.node_pools:
        # Machines of a pool go through the zones in turn, from the first one on: infra/node_pool.py.
        for zone in types[: pool.count]:
            zone.add(pool.machine.instance_type)
    return types


def complete(offers: Offers, types: Iterable[str]) -> list[str]:
    """List the zones that have all of these types, in alphabetical order."""
    by_type = [{*offers.get(each, ())} for each in types]
    return sorted(set.intersection(*by_type))


def problems(config: StackConfig, region: str, offers: Offers) -> list[str]:
    """Say which zone lacks a type that its machines need; a sentence each."""
    if not config.availability_zones:
        types = sorted(*wanted(config))
        return (
            []
            if complete(offers, types)
            else [
                f"no availability zone of {region} has all of {', '.join(types)}: choose other instance types"
            ]
        )
    lacking = [
        f"{zone} has no {kind}"
        for zone, types in zip(config.availability_zones, wanted(config), strict=True)
        for kind in sorted(types)
        if zone not in offers.get(kind, ())
    ]
    return (
        [f"availabilityZones: {'; '.join(lacking)}; name other zones, or choose other instance types"]
        if lacking
        else []
    )


def of_subnets(
    config: StackConfig, region: pulumi.Output[str], parent: pulumi.Resource
) -> list[pulumi.Output[str]]:
    """Find the zone of each subnet, also in a preview; ZoneError when one lacks an instance type."""
    offers = pulumi.Output.from_input(_offers(config, parent))
    named = config.availability_zones

    def choose(known: Sequence[object]) -> list[str]:
        here, found = str(known[0]), known[1]
        assert isinstance(found, dict)
        if refused := problems(config, here, found):
            raise ZoneError("\n".join(refused))
        return [*named] or complete(found, *wanted(config))[:1]

    zones = pulumi.Output.all(region, offers).apply(choose)
    return [zones.apply(lambda found, index=index: found[index]) for index in range(len(named) or 1)]


async def _offers(config: StackConfig, parent: pulumi.Resource) -> dict[str, list[str]]:
    types = sorted(set.union(*wanted(config)))
    arguments = {"locationType": "availability-zone", "filters": [{"name": "instance-type", "values": types}]}
    # Not aws.ec2.get_instance_type_offerings_output, for the reason in infra/ami.py.
    opts = pulumi.InvokeOptions(parent=parent, version=version("pulumi_aws"))
    try:
        answer = await invoke_async(_FUNCTION, arguments, opts)
    except Exception as error:
        raise ZoneError(
            f"which zones have {', '.join(types)} cannot be read: "
            f"{str(error).strip().splitlines()[-1].strip()}"
        ) from error
    return by_type(zip(answer["instanceTypes"], answer["locations"], strict=True))


def by_type(offerings: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect the zones of each type.

    Local Zones, e.g. us-west-2-lax-1a, are left out: nothing of a cluster was tried there.
    """
    found: dict[str, list[str]] = {}
    for kind, zone in offerings:
        if re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", zone):
            found.setdefault(kind, []).append(zone)
    return found
