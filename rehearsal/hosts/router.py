"""One VPC: a network namespace as its router, with a bridge per subnet and the VPC's servers.

Each VPC has its own namespace, because two stacks may use the same addresses. Machines are connected to the
bridges by veth pairs that are created in the namespaces, so the host's own network never changes.
"""

import logging
from contextlib import AsyncExitStack, suppress

from rehearsal.hosts import netns, servers
from rehearsal.hosts.errors import MachineHostError
from rehearsal.hosts.layout import SERVICE_ADDRESS, Layout, port_of
from rehearsal.hosts.model import Instance, Subnet

_log = logging.getLogger(__name__)

_MTU = 9001  # jumbo frames, as in a VPC
_SERVED = (servers.METADATA_ADDRESS, servers.RESOLVER_ADDRESS, SERVICE_ADDRESS)


class Router:
    """A router, created with the first machine of its VPC and removed with the last."""

    def __init__(self, vpc_id: str, layout: Layout) -> None:
        self.namespace = layout.namespace(vpc_id)
        self._layout = layout
        self._subnets: set[str] = set()
        self._rules = ""
        self._servers = AsyncExitStack()

    async def open(self, subnet: Subnet, facts_of: servers.FactsOf, shared: servers.Shared) -> None:
        """Create the namespace with its addresses and servers."""
        await netns.add(self.namespace)
        addresses = [f"addr add {address}/32 dev lo" for address in (*_SERVED, subnet.resolver)]
        # The router of a VPC drops a packet with an unknown target and sends no answer.
        await netns.configure(self.namespace, ["link set lo up", *addresses, "route add blackhole default"])
        netns.set_sysctls(self.namespace, {"ipv4/ip_forward": "1", "ipv6/conf/all/disable_ipv6": "1"})
        self._servers = await servers.serve(self.namespace, subnet.resolver, facts_of, shared)

    async def attach(self, instance: Instance) -> str:
        """Create a namespace with the instance's address, connected to the bridge of its subnet; return its
        name.
        """
        await self._add_bridge(instance.subnet)
        name = self._layout.namespace(instance.id)
        await netns.add(name)
        port = port_of(instance.id)
        peer = f"peer name eth0 address {instance.mac} mtu {_MTU} netns {name}"
        await netns.configure(
            self.namespace,
            [
                f"link add {port} mtu {_MTU} type veth {peer}",
                f"link set {port} master {_bridge(instance.subnet)} up",
            ],
        )
        await netns.configure(
            name,
            [
                "link set lo up",
                f"addr add {instance.private_ip}/{instance.subnet.cidr.prefixlen} brd + dev eth0",
                "link set eth0 up",
                f"route add default via {instance.subnet.gateway}",
            ],
        )
        return name

    async def detach(self, instance_id: str) -> None:
        """Delete the port, then the namespace: a namespace keeps its interfaces for a while, and a reboot
        needs the port's name.
        """
        with suppress(MachineHostError):  # An attachment that failed halfway has no port.
            await netns.configure(self.namespace, [f"link delete {port_of(instance_id)}"])
        name = self._layout.namespace(instance_id)
        if name in netns.named(name):
            await netns.delete(name)

    async def apply(self, rules: str) -> None:
        """Replace the firewall's rules."""
        if rules == self._rules:
            return
        self._rules = rules
        try:
            netns.set_sysctls(self.namespace, {"bridge/bridge-nf-call-iptables": "1"})
            await netns.run("ip", "netns", "exec", self.namespace, "nft", "--file", "-", stdin=rules)
        except (OSError, MachineHostError) as error:
            what = "security groups and source/destination checks"
            _log.warning("%s between machines are NOT applied in %s: %s", what, self.namespace, error)

    async def close(self) -> None:
        await self._servers.aclose()
        await netns.delete(self.namespace)

    async def _add_bridge(self, subnet: Subnet) -> None:
        if subnet.id in self._subnets:
            return
        self._subnets.add(subnet.id)
        bridge = _bridge(subnet)
        await netns.configure(
            self.namespace,
            [
                f"link add {bridge} mtu {_MTU} type bridge forward_delay 0",
                f"addr add {subnet.gateway}/{subnet.cidr.prefixlen} dev {bridge}",
                f"link set {bridge} up",
            ],
        )


# Linux limits interface names to 15 characters.


def _bridge(subnet: Subnet) -> str:
    return f"br-{subnet.id[-12:]}"
