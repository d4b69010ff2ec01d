"""Run a program beside a test until its port answers."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not so after {seconds} s"
        time.sleep(0.05)


@contextmanager
def process(command: list[str], log: Path, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with the block, whatever happens in it."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options) as child,
    ):  # type: ignore[call-overload]
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def listening(
    command: list[str], log: Path, host: str, port: int, **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is given to the block once its port answers."""
    with process(command, log, **options) as child:
        wait_for(lambda: child.poll() is not None or accepts(host, port), f"{command[0]} on {host}:{port}")
        assert child.poll() is None, f"{command[0]} ended at once:\n{log.read_text()}"
        yield child
