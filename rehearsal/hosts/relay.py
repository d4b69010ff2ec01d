"""Forward bytes between two connections until both sides have closed their direction."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

Stream = tuple[StreamReader, StreamWriter]
_CHUNK = 1 << 16


async def relay(left: Stream, right: Stream) -> None:
    """Forward both directions at once; a side that resets the connection ends the other."""
    pumps = [asyncio.ensure_future(_pump(left[0], right[1])), asyncio.ensure_future(_pump(right[0], left[1]))]
    try:
        await asyncio.gather(*pumps)
    except OSError:  # A reset is a normal end of a connection; the other side is closed below.
        pass
    finally:
        for pump in pumps:
            pump.cancel()
        for _, writer in (left, right):
            writer.close()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        with suppress(OSError):
            writer.write_eof()
    else:
        writer.close()  # TLS has no half-closed connections.
