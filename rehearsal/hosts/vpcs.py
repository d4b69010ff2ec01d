"""Create each VPC's router with its first machine and remove it with the last."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from rehearsal.hosts import firewall
from rehearsal.hosts.imds import Facts
from rehearsal.hosts.layout import Layout
from rehearsal.hosts.model import Instance, Permission
from rehearsal.hosts.router import Router
from rehearsal.hosts.servers import Shared

FactsIn = Callable[[str, str], Facts | None]


class Vpcs:
    """The routers by VPC.

    A lock allows one change at a time, so that machines that boot together share one router.
    """

    def __init__(self, layout: Layout, shared: Shared, facts_in: FactsIn) -> None:
        self._layout = layout
        self._shared = shared
        self._facts_in = facts_in
        self._routers: dict[str, Router] = {}
        self._attached: dict[str, str] = {}  # instance id -> VPC id
        self._changing = asyncio.Lock()

    async def attach(self, instance: Instance) -> str:
        """Connect the instance and return its namespace."""
        vpc_id = instance.subnet.vpc_id
        async with self._changing:
            if vpc_id not in self._routers:
                router = Router(vpc_id, self._layout)
                await router.open(
                    instance.subnet, lambda address: self._facts_in(vpc_id, address), self._shared
                )
                self._routers[vpc_id] = router
            self._attached[instance.id] = vpc_id
            return await self._routers[vpc_id].attach(instance)

    async def detach(self, instance_id: str) -> None:
        async with self._changing:
            vpc_id = self._attached.pop(instance_id, None)
            if vpc_id is None:
                return
            await self._routers[vpc_id].detach(instance_id)
            if vpc_id not in self._attached.values():
                await self._routers.pop(vpc_id).close()

    def namespace_of(self, vpc_id: str) -> str | None:
        """Return the router's namespace, from which the VPC's machines can be reached."""
        router = self._routers.get(vpc_id)
        return router.namespace if router else None

    async def apply_security_groups(
        self, instances: Iterable[Instance], ingress: Mapping[str, tuple[Permission, ...]]
    ) -> None:
        """Apply the security groups between machines."""
        by_vpc: dict[str, list[Instance]] = {vpc_id: [] for vpc_id in self._routers}
        for instance in instances:
            by_vpc.get(instance.subnet.vpc_id, []).append(instance)
        async with self._changing:
            for vpc_id, members in by_vpc.items():
                if vpc_id in self._routers:
                    await self._routers[vpc_id].apply(firewall.ruleset(members, ingress))
