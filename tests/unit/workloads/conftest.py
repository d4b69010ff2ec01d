"""Serve CCAuth under Mono for the tests that are marked `machine`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal.windows_node.ccauth_host import host
from tests.unit.workloads import CCAUTH
from tests.unit.workloads.servers import listening

CCAUTH_ADDRESS = "127.77.0.1"


@pytest.fixture(scope="session")
def ccauth_command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that serves CCAuth's own C# on port 80 of CCAUTH_ADDRESS."""
    executable = host.build(CCAUTH / "CCAuth.cs", tmp_path_factory.mktemp("ccauth"))
    return host.command(executable, f"http://{CCAUTH_ADDRESS}:80/ccauth.svc")


@contextmanager
def serving(command: list[str], log: Path) -> Iterator[None]:
    """CCAuth on the node `windows-0`; it must live through the block."""
    environment = {"PATH": "/usr/bin:/bin", "NODE_NAME": "windows-0"}
    with listening(command, log, CCAUTH_ADDRESS, 80, env=environment) as service:
        yield
        assert service.poll() is None, f"CCAuth died:\n{log.read_text()}"
