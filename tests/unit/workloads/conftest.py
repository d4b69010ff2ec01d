"""Fixtures of the machine tier; the pure tests here need none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal.windows_node.ccauth_host import host
from tests.unit.workloads import CCAUTH
from tests.unit.workloads.browser import Page, chromium
from tests.unit.workloads.servers import NAME, Dns, listening, nginx

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


@pytest.fixture
def ccauth(ccauth_command: list[str], tmp_path: Path) -> Iterator[None]:
    with serving(ccauth_command, tmp_path / "ccauth.log"):
        yield


@pytest.fixture
def dns() -> Iterator[Dns]:
    with Dns({NAME: CCAUTH_ADDRESS}).serving() as server:
        yield server


@pytest.fixture
def widgets(dns: Dns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's URL, served by nginx as an unprivileged user with the shipped configuration."""
    scratch = tmp_path_factory.mktemp("nginx")
    for folder in [scratch, *scratch.parents[:2]]:
        folder.chmod(0o755)
    with nginx(scratch, dns.port) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page
