"""Availability zones and instance types: which zone is chosen, and what is refused before anything is
built.
"""

import pytest

from infra import zones
from infra.errors import ZoneError
from tests.support.engine import CALLS, OFFERINGS, Answers, deploy
from tests.support.stacks import MANY_POOLS, parsed, raw

# As us-east-1 is: a zone without t3, and a Local Zone.
US_EAST_1 = [("t3.medium", zone) for zone in ("us-east-1b", "us-east-1c", "us-east-1-bos-1a")]
US_EAST_1 += [("t3.large", zone) for zone in ("us-east-1c", "us-east-1d")]


def test_the_first_zone_with_every_type_is_chosen():
    offers = zones.by_type(US_EAST_1)
    assert zones.complete(offers, ["t3.medium", "t3.large"]) == ["us-east-1c"]
    assert zones.complete(offers, ["t3.medium"]) == ["us-east-1b", "us-east-1c"], "no Local Zone"
    assert zones.complete(offers, ["t3.medium", "u-6tb1.metal"]) == []


def test_each_named_zone_needs_the_types_of_the_machines_that_are_put_there():
    """Machines of a pool go through the zones in turn: one that has a single machine needs the first zone
    alone.
    """
    named = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    pools = [pool | {"count": count} for pool, count in zip(MANY_POOLS, (2, 1, 0, 0, 0), strict=True)]
    config = parsed(availabilityZones=named, nodePools=pools, workloads=False)
    control_plane, ci = config.control_plane.instance_type, config.node_pools[1].machine.instance_type
    assert zones.wanted(config) == [{control_plane, "m7i.large", ci}, {"m7i.large"}, set()]


def test_what_a_zone_lacks_is_said_at_once():
    config = parsed(
        availabilityZones=["us-east-1b", "us-east-1d"],
        nodePools=[{"name": "w", "count": 2, "instanceType": "t3.large"}],
        workloads=False,
    )
    assert zones.problems(config, "us-east-1", zones.by_type(US_EAST_1)) == [
        "availabilityZones: us-east-1b has no t3.large; name other zones, or choose other instance types"
    ]


class Nowhere(Answers):
    """No zone has anything."""

    def call(self, args):
        return {"instanceTypes": [], "locations": []} if args.token == OFFERINGS else super().call(args)


@pytest.mark.parametrize("preview", [True, False])
def test_a_region_without_a_type_is_refused_before_anything_is_built(preview):
    with pytest.raises(
        ZoneError,
        match=r"^no availability zone of eu-west-1 has all of .*t3.medium.*: choose other instance types$",
    ):
        deploy(config=raw({}), preview=preview, answers=Nowhere(preview, dict(CALLS)))


class Refused(Answers):
    def call(self, args):
        if args.token == OFFERINGS:
            raise RuntimeError("invoking: UnauthorizedOperation: You are not authorized")
        return super().call(args)


def test_a_refusal_of_aws_is_one_sentence():
    with pytest.raises(
        ZoneError, match=r"^which zones have .*t3.medium.* cannot be read: .*UnauthorizedOperation"
    ):
        deploy(config=raw({}), preview=True, answers=Refused(True, dict(CALLS)))
