"""`python -m rehearsal.fake_aws`: run the fake cloud until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from rehearsal.fake_aws.server import Options, patched_moto, serve
from rehearsal.fake_aws.settings import LOOPBACK, READY_FILE, STATE_BUCKET
from rehearsal.files import write_atomically


def arguments() -> Options:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.fake_aws", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        help="folder for cloud.json; console logs are read from its machines/",
    )
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument(
        "--enforce-iam",
        action="store_true",
        help="hold the sessions of instance roles to the policies of the role",
    )
    parser.add_argument(
        "--rates", action="store_true", help="refuse what comes faster than an account's rates allow"
    )
    return Options(**vars(parser.parse_args()))


def announce(options: Options, port: int) -> Path:
    """Write the ready file in one step: a reader of the file can connect."""
    ready = options.state / READY_FILE
    cloud = {
        "endpoint": f"http://{LOOPBACK}:{port}",
        "region": options.region,
        "bucket": STATE_BUCKET,
        "pid": os.getpid(),
    }
    write_atomically(ready, json.dumps(cloud, indent=2) + "\n")
    return ready


def stop_on_signals(server: Any) -> None:
    def stop(_signal: int, _frame: object) -> None:
        # shutdown() waits for serve_forever(), which runs in this thread.
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def main() -> None:
    options = arguments()
    options.state.mkdir(parents=True, exist_ok=True)
    with patched_moto(options.state / "machines"):
        server = serve(options)
        stop_on_signals(server)
        ready = announce(options, server.server_port)
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            server.server_close()
            ready.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
