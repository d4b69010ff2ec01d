"""Metadata is that of the instance which has the address now."""

import asyncio
from typing import Any, cast

from rehearsal.hosts.known import MetadataCache
from rehearsal.hosts.model import Launch

from .hosts_values import SUBNET, an_instance


class OneCloud:
    def launch(self, instance: Any) -> Launch:
        return Launch(user_data=instance.id.encode())

    def credentials(self, instance: Any) -> None:
        return None


def test_a_new_instance_with_the_address_of_a_terminated_one_gets_its_own_user_data():
    """AWS gives the address again at once; the terminated machine is still being taken down."""
    cache = MetadataCache(cast(Any, OneCloud()))
    for id in ("i-old", "i-new"):
        asyncio.run(cache.load(an_instance(id, "10.0.16.4")))
    cache.update(
        {
            "i-old": an_instance("i-old", "10.0.16.4", state="terminated"),
            "i-new": an_instance("i-new", "10.0.16.4"),
        }
    )
    facts = cache.facts_of(SUBNET.vpc_id, "10.0.16.4")
    assert facts is not None
    assert facts.launch.user_data == b"i-new"
