"""`pulumi-resource-aws`: the stand-in provider as a plugin of the engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal import plugin
from rehearsal.aws_provider.service import AwsProvider

# The engine's default is 16 operations at once; a thread that waits for AWS costs nothing.
WORKERS = 64
# The engine's own limit; gRPC's default of 4 MB is less than a state may have.
OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]


def main() -> None:
    server: Any = grpc.server(ThreadPoolExecutor(WORKERS), options=OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(), server)
    plugin.serve(server)


if __name__ == "__main__":
    main()
