"""Test connections through the machine host."""

import asyncio
import socket

from rehearsal.hosts.relay import Stream, relay


async def connected() -> tuple[Stream, socket.socket]:
    """Return a stream for the relay and its far end."""
    near, far = socket.socketpair()
    far.setblocking(False)
    return await asyncio.open_connection(sock=near), far


async def _through(data: bytes) -> tuple[bytes, bytes]:
    loop = asyncio.get_running_loop()
    (left, client), (right, server) = await connected(), await connected()
    task = asyncio.ensure_future(relay(left, right))
    sending = asyncio.ensure_future(loop.sock_sendall(client, data))
    asked = b""
    while len(asked) < len(data):
        asked += await loop.sock_recv(server, 1 << 20)
    await sending
    client.shutdown(socket.SHUT_WR)
    assert await loop.sock_recv(server, 1) == b"", "the end of one direction arrives"
    await loop.sock_sendall(server, b"answer")
    server.close()
    answer = await loop.sock_recv(client, 100)
    await task
    client.close()
    return asked, answer


def test_bytes_arrive_whole_and_one_side_may_finish_before_the_other_answers() -> None:
    data = bytes(range(256)) * 5000
    assert asyncio.run(_through(data)) == (data, b"answer")


async def _broken() -> bytes:
    (left, client), (right, server) = await connected(), await connected()
    task = asyncio.ensure_future(relay(left, right))
    client.close()
    rest = await asyncio.get_running_loop().sock_recv(server, 1)
    server.close()
    await asyncio.wait_for(task, 2)
    return rest


def test_a_side_that_breaks_off_ends_the_other() -> None:
    assert asyncio.run(_broken()) == b""
