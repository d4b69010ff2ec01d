"""Serve the artifact mirror, and inject the faults that a file in the host's folder orders.

The file is read at each request, so that a fault can come and go while machines download. Examples:
{"kubelet": {"does": "slow", "size": 1000000}} sends so many bytes a second; {"does": "cut", "size": 100,
"times": 2} closes the connection after so many bytes, twice; {"does": "wrong"} sends other content of the
same length.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

_CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """The fault of one file."""

    does: str
    size: int = 0
    times: int = 0


class Mirror:
    """The mirror.

    `faults` is the file of the orders; it may be absent, and files that it does not name are served normally.
    """

    def __init__(self, artifacts: Path, faults: Path) -> None:
        self._artifacts = artifacts
        self._faults = faults
        self._cut: Counter[str] = Counter()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._inject_faults])
        app.router.add_static("/", self._artifacts, follow_symlinks=True)
        return app

    @web.middleware
    async def _inject_faults(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        path = self._artifacts / request.path.lstrip("/")
        fault = self._take_fault(path.name)
        if fault is None or not path.is_file():
            return await handler(request)
        response = web.StreamResponse(headers={"Content-Length": str(path.stat().st_size)})
        await response.prepare(request)
        with suppress(ConnectionError):  # the client gave up
            async for chunk in self._content(path, fault, request):
                await response.write(chunk)
        return response

    def _take_fault(self, name: str) -> Fault | None:
        try:
            orders: dict[str, dict[str, Any]] = json.loads(self._faults.read_text())
        except FileNotFoundError:
            return None
        fault = Fault(**orders[name]) if name in orders else None
        if fault and fault.does == "cut":
            self._cut[name] += 1
            return fault if self._cut[name] <= fault.times else None
        return fault

    async def _content(self, path: Path, fault: Fault, request: web.Request) -> AsyncIterator[bytes]:
        sent = 0
        with path.open("rb") as file:
            while data := file.read(fault.size or _CHUNK):
                yield bytes(len(data)) if fault.does == "wrong" else data
                sent += len(data)
                if fault.does == "cut" and request.transport:
                    request.transport.abort()
                    return
                if fault.does == "slow":
                    await asyncio.sleep(1)
