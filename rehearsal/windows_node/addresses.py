"""Assign pod addresses and hostPorts on one bridge, as the CNI plugins do.

All pods share the instance's network namespace, each with its own address: a program only has to bind to its
address, and everything goes with the namespace.
"""

import ipaddress
import threading
from dataclasses import dataclass
from itertools import islice

from rehearsal.windows_node.api import Json
from rehearsal.windows_node.errors import StandinError
from rehearsal.windows_node.shell import run

_BRIDGE = "cbr0"
# host-local never assigns the first two: the bridge's address, and the source VIP that kube-proxy on Windows
# reserves.
_RESERVED = 2
_CHAIN = "STANDIN-HOSTPORT"
# iptables-restore --noflush creates or empties this chain and leaves all others alone.
_CHAIN_RULES = f"*nat\n:{_CHAIN} - [0:0]\n-A PREROUTING -j {_CHAIN}\nCOMMIT\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPort:
    """A port of the node that leads to a port of a pod."""

    host_port: int
    container_port: int
    protocol: str


def host_ports_of(container: Json) -> list[HostPort]:
    """Return the hostPorts in a container's specification."""
    ports: list[Json] = container.get("ports", [])
    return [
        HostPort(
            host_port=port["hostPort"],
            container_port=port["containerPort"],
            protocol=port.get("protocol", "TCP"),
        )
        for port in ports
        if "hostPort" in port
    ]


class PodAddresses:
    """The addresses of the node's pod subnet."""

    def __init__(self, node_ip: str) -> None:
        self._node_ip = node_ip
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._subnet: ipaddress.IPv4Network | None = None
        self.host_ports = False

    def use(self, subnet: ipaddress.IPv4Network, *, host_ports: bool) -> None:
        """Create the bridge and the chain of hostPorts, anew at every boot; after this, pods can get
        addresses.
        """
        gateway = next(subnet.hosts())
        if f"{_BRIDGE}:" in run("ip", "-oneline", "link", "show", "type", "bridge"):
            run("ip", "link", "delete", _BRIDGE)
        run("ip", "link", "add", _BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{gateway}/{subnet.prefixlen}", "dev", _BRIDGE)
        run("ip", "link", "set", _BRIDGE, "up")
        run("iptables-restore", "--wait", "--noflush", stdin=_CHAIN_RULES)
        self.host_ports = host_ports
        self._subnet = subnet

    @property
    def available(self) -> bool:
        return self._subnet is not None

    def allocate(self) -> str:
        """Add a free address to the bridge and return it."""
        with self._lock:
            address = self._free()
            self._taken.add(address)
        run("ip", "address", "add", f"{address}/32", "dev", _BRIDGE)
        return address

    def release(self, address: str) -> None:
        """Remove an address from the bridge."""
        run("ip", "address", "del", f"{address}/32", "dev", _BRIDGE)
        with self._lock:
            self._taken.discard(address)

    def open_port(self, address: str, port: HostPort) -> None:
        """Forward a port of the node to a pod, as the CNI plugin does if `host_ports` is set."""
        self._translate("-A", address, port)

    def close_port(self, address: str, port: HostPort) -> None:
        self._translate("-D", address, port)

    def _translate(self, action: str, address: str, port: HostPort) -> None:
        source = ["-p", port.protocol.lower(), "-d", f"{self._node_ip}/32", "--dport", str(port.host_port)]
        target = ["-j", "DNAT", "--to-destination", f"{address}:{port.container_port}"]
        run("iptables", "--wait", "-t", "nat", action, _CHAIN, *source, *target)

    def _free(self) -> str:
        if self._subnet is None:
            raise StandinError("a pod wants an address before the network is up")
        for candidate in islice(self._subnet.hosts(), _RESERVED, None):
            if str(candidate) not in self._taken:
                return str(candidate)
        raise StandinError(f"no free pod address in {self._subnet}")
