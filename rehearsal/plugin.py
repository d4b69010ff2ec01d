"""What the stand-in plugins of the Pulumi engine have in common: a port on standard output, and a quiet end."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import Any, NoReturn

LOOPBACK = "127.0.0.1:0"
# A killed engine cannot tell its plugins to end; the official ones find out within five minutes.
ENGINE_CHECK_SECONDS = 1.0


def serve(server: Any, at_end: Callable[[], None] = lambda: None) -> NoReturn:
    """Serve gRPC on a free port until SIGINT or SIGTERM, or until the engine that started this process is gone.

    `at_end` ends what the plugin itself has started.
    """
    engine = os.getppid()
    port = server.add_insecure_port(LOOPBACK)
    server.start()
    told, tell = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        # The handler only writes: stopping the server from here would take locks that the interrupted thread may hold.
        signal.signal(number, lambda *_: os.write(tell, b"."))
    # Last: who reads the port may already want this process to end.
    print(port, flush=True)
    while os.getppid() == engine and not select.select([told], [], [], ENGINE_CHECK_SECONDS)[0]:
        pass
    server.stop(grace=None)
    at_end()
    # Not sys.exit(): it would wait for threads that are still waiting for AWS, or for the program.
    os._exit(0)
