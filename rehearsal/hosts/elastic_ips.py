"""Forward connections to Elastic IPs, which are loopback addresses of the fake cloud, to their instances.

A port is open if a security group of the instance opens it to a loopback address. Each connection is checked
against the sources of its port and reset if none matches. Each port has its own listening socket: the 2,768
sockets of the NodePort range take about 50 ms to open. A redirection would need changes to the host's
firewall.
"""

import asyncio
import logging
import resource
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from rehearsal.hosts import netns
from rehearsal.hosts.firewall import Ports, admits
from rehearsal.hosts.relay import relay

_log = logging.getLogger(__name__)

_BACKLOG = 64
MOST_PORTS = 8192
_CONNECT_SECONDS = 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time


@dataclass(frozen=True, slots=True)
class Target:
    """The target of one Elastic IP: the instance's address, dialled from the router of its VPC."""

    namespace: str
    address: IPv4Address
    ports: Ports


class ElasticIps:
    """Listen on every associated address."""

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}
        self._listening: dict[tuple[str, int], socket.socket] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def update(self, targets: Mapping[str, Target]) -> None:
        if targets == self._targets:
            return
        self._targets = dict(targets)
        wanted = {(ip, port) for ip, target in targets.items() for port in target.ports}
        if len(wanted) > MOST_PORTS:
            _log.warning(
                "security groups open %d ports of Elastic IPs; only the lowest %d are listened on",
                len(wanted),
                MOST_PORTS,
            )
            wanted = set(sorted(wanted, key=lambda pair: pair[1])[:MOST_PORTS])
        for key in self._listening.keys() - wanted:
            self._close(key)
        for key in sorted(wanted - self._listening.keys()):
            self._open(key)

    def close(self) -> None:
        self.update({})
        for connection in self._connections:
            connection.cancel()

    def _open(self, key: tuple[str, int]) -> None:
        try:
            listener = socket.create_server(key, backlog=_BACKLOG)
        except OSError as error:
            _log.warning("cannot listen on Elastic IP %s, port %d: %s", *key, error.strerror)
            return
        listener.setblocking(False)
        self._listening[key] = listener
        asyncio.get_running_loop().add_reader(listener, self._accept, key, listener)

    def _close(self, key: tuple[str, int]) -> None:
        listener = self._listening.pop(key)
        asyncio.get_running_loop().remove_reader(listener)
        listener.close()

    def _accept(self, key: tuple[str, int], listener: socket.socket) -> None:
        try:
            connection, (peer, _) = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # The client has already closed the connection.
            return
        target = self._targets[key[0]]
        if not admits(target.ports[key[1]], peer):
            _reset(connection)
            return
        task = asyncio.ensure_future(_forward(connection, target, key[1]))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)


async def _forward(connection: socket.socket, target: Target, port: int) -> None:
    connection.setblocking(False)
    try:
        upstream = await _dial(target, port)
    except (OSError, TimeoutError) as error:
        _log.debug("%s:%d does not answer: %s", target.address, port, error)
        _reset(connection)
        return
    left = await asyncio.open_connection(sock=connection)
    right = await asyncio.open_connection(sock=upstream)
    await relay(left, right)


async def _dial(target: Target, port: int) -> socket.socket:
    with netns.inside(target.namespace):
        upstream = socket.socket()
    upstream.setblocking(False)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(upstream, (str(target.address), port))
    except BaseException:
        upstream.close()
        raise
    return upstream


def _reset(connection: socket.socket) -> None:
    """Reset the connection, so that the client does not read an empty answer."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.close()


def raise_file_limit() -> None:
    """Raise the limit of open files as far as the host allows, for the listening sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
