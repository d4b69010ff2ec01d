"""Stand in for `pulumi-language-python`: start Pulumi's own `pulumi-language-python-exec`, which runs the
program.

It is used only without the official language host. Arguments, environment and answers are those of the
official host (pulumi/pulumi 3.260.0, sdk/python/cmd/pulumi-language-python/main.go, Run). rehearsal/build
takes the other half out of the Go module that tools/pulumi pins.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

EXEC = "pulumi-language-python-exec"
# The program has already printed its error.
SHOWN = 32
WORKERS = 4
LOOPBACK = "127.0.0.1:0"
# A killed engine cannot end its plugins; the official ones notice it within five minutes.
ENGINE_CHECK_SECONDS = 1.0


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """The RPCs that the engine makes for a Python program."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._running: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """List nothing to download: the plugins are on PATH."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Install nothing: the program runs in the environment of this host."""
        return iter(())

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> Any:
        program = shutil.which(EXEC)
        if program is None:
            return language_pb2.RunResponse(
                error=f"{EXEC} is not on PATH: `python -m rehearsal.build` provides it"
            )
        code = self._ended([sys.executable, "-u", program, *self._arguments(request)], request)
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(
            error=f"program exited with non-zero exit code: {code}" if code else ""
        )

    def _arguments(self, request: Any) -> list[str]:
        flags = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "organization": request.organization,
            "pwd": request.pwd,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
        }
        given = [word for name, value in flags.items() if value for word in (f"--{name}", value)]
        return [*given, request.info.entry_point or ".", *request.args]

    def _ended(self, command: list[str], request: Any) -> int:
        """Run the program to its end. Its output goes to this host's output, which the engine reads."""
        environment = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with subprocess.Popen(
            command, cwd=request.info.program_directory or request.pwd, env=environment
        ) as process:
            self._running.add(process)
            code = process.wait()
            self._running.discard(process)
        return code

    def end(self) -> None:
        """Kill the programs that still run: without an engine they would go on waiting for machines."""
        for process in [*self._running]:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


def serve(server: Any, host: Host) -> NoReturn:
    """Serve gRPC on a free port until SIGINT, SIGTERM or the end of the engine that started this process."""
    engine = os.getppid()
    port = server.add_insecure_port(LOOPBACK)
    server.start()
    readable, writable = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        # The handler only writes: to stop the server here could deadlock with the interrupted thread.
        signal.signal(number, lambda *_: os.write(writable, b"."))
    # Last, because the engine may send a signal as soon as it has read the port.
    print(port, flush=True)
    while os.getppid() == engine and not select.select([readable], [], [], ENGINE_CHECK_SECONDS)[0]:
        pass
    server.stop(grace=None)
    host.end()
    # Not sys.exit(), which would wait for the threads that wait for the program.
    os._exit(0)


def main() -> None:
    host = Host(engine=sys.argv[-1])
    server: Any = grpc.server(ThreadPoolExecutor(WORKERS))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    serve(server, host)


if __name__ == "__main__":
    main()
