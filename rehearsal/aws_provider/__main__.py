"""`pulumi-resource-aws`: serve the stand-in provider on a free loopback port, and print the port for the engine."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.aws_provider.service import AwsProvider

# The engine's default is 16 operations at once; a thread that waits for AWS costs nothing.
WORKERS = 64
# The engine's own limit; gRPC's default of 4 MB is less than a state may have.
OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]


def main() -> None:
    server: Any = grpc.server(ThreadPoolExecutor(WORKERS), options=OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop(grace=None))
    # Last: who reads the port may already want it to end.
    print(port, flush=True)
    server.wait_for_termination()
    # Not sys.exit(): it would wait for operations that are still waiting for AWS.
    os._exit(0)


if __name__ == "__main__":
    main()
