"""Stand-in for `pulumi-language-python`: runs the program in this very process and interpreter.

Used only where the official language host is not installed. It answers as that one does (pulumi/pulumi 3.260.0,
sdk/python/cmd/pulumi-language-python/main.go and pulumi-language-python-exec): a RunError is shown as its message alone, any other
exception with the traceback of the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib.metadata
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime import reset_options, run_in_stack, set_all_config
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from rehearsal import plugin

MAIN = "__main__.py"
# What the official host answers for a program that ended after a RunError, and after showing its own traceback.
RUN_ERROR = "program exited with non-zero exit code: 1"
WORKERS = 4


class Host(LanguageServer):
    """The RPCs that the engine makes for a Python program; GetRequiredPackages and About are the Automation API's."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Nothing to install: the program runs in the environment of this host."""
        return iter(())

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> Any:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        # A context of its own: the SDK keeps its settings and its stack in context variables.
        return contextvars.copy_context().run(self._run, request)

    def _run(self, request: Any) -> Any:
        program = Path(request.info.program_directory or request.pwd) / (request.info.entry_point or ".")
        _configure(request, self._engine)
        with _in_folder(request.pwd or program):
            return _run_program(_main_file(program), max(request.parallel, 1))


def _configure(request: Any, engine: str) -> None:
    reset_options(
        project=request.project,
        stack=request.stack,
        organization=request.organization or "organization",
        parallel=request.parallel,
        preview=request.dryRun,
        engine_address=engine,
        monitor_address=request.monitor_address,
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))


@contextlib.contextmanager
def _in_folder(folder: str | Path) -> Any:
    before = Path.cwd()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.chdir(before)


def _main_file(program: Path) -> Path:
    return program / MAIN if program.is_dir() else program


def _run_program(main: Path, parallel: int) -> Any:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # As the official host: four threads for each operation that may run at once.
    loop.set_default_executor(ThreadPoolExecutor(parallel * 4))
    try:
        loop.run_until_complete(run_in_stack(lambda: _run_file(main)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return language_pb2.RunResponse(error=RUN_ERROR)
    except Exception as error:
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_program_traceback(error, main)}")
        return language_pb2.RunResponse(bail=True)
    finally:
        _drain(loop)
    return language_pb2.RunResponse()


def _run_file(main: Path) -> None:
    runpy.run_path(str(main), run_name="__main__")


def _program_traceback(error: Exception, main: Path) -> str:
    """From the program's first frame on: what is above it is this host."""
    frames = traceback.extract_tb(error.__traceback__)
    own = next((index for index, frame in enumerate(frames) if Path(frame.filename).resolve() == main.resolve()), 0)
    return "".join(traceback.format_exception(error, limit=own - len(frames)))


def _drain(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()
    sys.stdout.flush()
    sys.stderr.flush()


def main() -> None:
    server: Any = grpc.server(ThreadPoolExecutor(WORKERS))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(engine=sys.argv[-1]), server)
    plugin.serve(server)


if __name__ == "__main__":
    main()
