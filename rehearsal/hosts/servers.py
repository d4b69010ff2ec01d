"""Run the servers of a VPC on sockets in the network namespace of the VPC's router."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from rehearsal.build.registry import Registry
from rehearsal.hosts import dns, imds, netns
from rehearsal.hosts.layout import MIRROR_PORT, REGISTRY_PORT, SERVICE_ADDRESS
from rehearsal.hosts.mirror import Mirror
from rehearsal.hosts.relay import relay

METADATA_ADDRESS = "169.254.169.254"
RESOLVER_ADDRESS = "169.254.169.253"  # EC2's resolver in every VPC, besides the VPC's base address plus two
_THREAD_POLL_SECONDS = 0.1

FactsOf = Callable[[str], imds.Facts | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """The inputs that the servers of all VPCs share."""

    aws_endpoint: str
    tls: ssl.SSLContext
    artifacts: Path
    mirror_faults: Path
    images: Path  # an OCI image layout
    tokens: imds.Tokens


async def serve(namespace: str, resolver: IPv4Address, facts_of: FactsOf, shared: Shared) -> AsyncExitStack:
    """Start all servers; closing the returned stack stops them.

    `facts_of` returns the metadata of a machine's address.
    """
    async with AsyncExitStack() as stack:
        for address in (str(resolver), RESOLVER_ADDRESS):
            await _serve_dns(stack, _socket(namespace, address, 53, socket.SOCK_DGRAM))
        await _serve_http(stack, _metadata(facts_of, shared.tokens), _socket(namespace, METADATA_ADDRESS, 80))
        await _serve_http(
            stack,
            Mirror(shared.artifacts, shared.mirror_faults).application(),
            _socket(namespace, SERVICE_ADDRESS, MIRROR_PORT),
        )
        _serve_images(stack, namespace, shared.images)
        await _serve_aws(stack, shared, _socket(namespace, SERVICE_ADDRESS, 443))
        return stack.pop_all()


def _socket(
    namespace: str, address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM
) -> socket.socket:
    with netns.inside(namespace):
        made = socket.socket(socket.AF_INET, kind)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


async def _serve_http(stack: AsyncExitStack, app: web.Application, on: socket.socket) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, on).start()


def _metadata(facts_of: FactsOf, tokens: imds.Tokens) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        metadata_request = imds.Request(request.method, request.path, headers)
        facts = facts_of(request.remote or "")
        answer = imds.answer(metadata_request, facts, tokens, datetime.now(UTC))
        response = web.Response(
            status=answer.status, body=answer.body, headers={"Content-Type": "text/plain", **answer.headers}
        )
        if answer.hop_limited and facts and request.transport:
            # Retransmissions and the closing packets must have the limit too, so the connection is not
            # reused.
            request.transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_IP, socket.IP_TTL, facts.instance.metadata.hop_limit
            )
            response.force_close()
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _serve_images(stack: AsyncExitStack, namespace: str, layout: Path) -> None:
    """Serve images in a thread: accepted sockets belong to the namespace in which the server began to
    listen.
    """
    with netns.inside(namespace):
        server = Registry(layout, (SERVICE_ADDRESS, REGISTRY_PORT))
    threading.Thread(
        target=server.serve_forever, args=(_THREAD_POLL_SECONDS,), daemon=True, name=f"registry {namespace}"
    ).start()

    async def close() -> None:
        await asyncio.to_thread(server.shutdown)
        server.server_close()

    stack.push_async_callback(close)


class _Resolver(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if response := dns.answer(data, IPv4Address(SERVICE_ADDRESS)):
            self._transport.sendto(response, addr)


async def _serve_dns(stack: AsyncExitStack, on: socket.socket) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Resolver, sock=on)
    stack.callback(transport.close)


async def _serve_aws(stack: AsyncExitStack, shared: Shared, on: socket.socket) -> None:
    """Terminate TLS for AWS's public host names and forward the bytes to the fake cloud."""
    cloud = urlsplit(shared.aws_endpoint)
    forwards: set[asyncio.Task[None]] = set()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection(cloud.hostname, cloud.port)
        except OSError:  # The fake cloud has stopped.
            writer.close()
            return
        await relay((reader, writer), upstream)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The event loop holds tasks weakly: without this set the garbage collector ends a forward that waits.
        task = asyncio.ensure_future(forward(reader, writer))
        forwards.add(task)
        task.add_done_callback(forwards.discard)

    server = await asyncio.start_server(accept, sock=on, ssl=shared.tls)
    stack.callback(server.close)
