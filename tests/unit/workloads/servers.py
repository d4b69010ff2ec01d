"""What stands around the page while it is tested:

CCAuth under Mono, a DNS of one name, nginx with the shipped configuration.
"""

import os
import re
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.workloads import WIDGETS

NAME = "ccauth.microcosm.svc.cluster.local"
NGINX_UID = 101  # as in the image


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
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options) as child:  # type: ignore[call-overload]
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def listening(command: list[str], log: Path, host: str, port: int, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is given to the block once its port answers."""
    with process(command, log, **options) as child:
        wait_for(lambda: child.poll() is not None or accepts(host, port), f"{command[0]} on {host}:{port}")
        assert child.poll() is None, f"{command[0]} ended at once:\n{log.read_text()}"
        yield child


@dataclass
class Dns:
    """A resolver of A records; a name it does not have does not exist."""

    records: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @contextmanager
    def serving(self) -> Iterator["Dns"]:
        records = self.records

        class Answer(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                query, reply_to = self.request
                reply_to.sendto(_dns_answer(query, records), self.client_address)

        with socketserver.UDPServer(("127.0.0.1", 0), Answer) as server:
            self.port = server.server_address[1]
            with background(server):
                yield self


@contextmanager
def background(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _dns_answer(query: bytes, records: dict[str, str]) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12 : at + 5]
    address = records.get(".".join(labels))
    header = query[:2] + struct.pack(">HHHHH", 0x8180 if address else 0x8183, 1, 1 if address else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address) if address else b""
    return header + question + record


@dataclass
class Upstream:
    """A CCAuth that misbehaves in ways the real one cannot be asked to:

    `behave` handles one accepted connection.
    """

    behave: Callable[[socket.socket, int], None]
    requests: list[bytes] = field(default_factory=list)

    @contextmanager
    def serving(self, host: str, port: int = 80) -> Iterator["Upstream"]:
        upstream = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                upstream.requests.append(self.request.recv(65536))
                upstream.behave(self.request, len(upstream.requests))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        with Server((host, port), Connection) as server, background(server):
            yield self


@contextmanager
def nginx(scratch: Path, dns_port: int) -> Iterator[int]:
    """The shipped nginx.conf, as the image's user, on a free port; only addresses and paths are replaced."""
    port = free_port()
    os.chown(scratch, NGINX_UID, NGINX_UID)
    config = scratch / "nginx.conf"
    config.write_text(shipped_config(scratch, dns=f"127.0.0.1:{dns_port}", listen=f"127.0.0.1:{port}"))
    command = ["setpriv", f"--reuid={NGINX_UID}", f"--regid={NGINX_UID}", "--clear-groups"]
    command += ["nginx", "-e", "stderr", "-c", str(config), "-g", "daemon off;"]
    with listening(command, scratch / "error.log", "127.0.0.1", port):
        yield port


def shipped_config(scratch: Path, *, dns: str, listen: str) -> str:
    text = (WIDGETS / "nginx.conf").read_text()
    places = {
        "__CLUSTER_DNS__ valid": f"{dns} valid",
        "listen 8080": f"listen {listen}",
        "/usr/share/nginx/html": str(WIDGETS),
        " /tmp/": f" {scratch}/",
        "/dev/stdout": str(scratch / "access.log"),
    }
    for shipped in places:
        assert shipped in text, f"nginx.conf no longer has {shipped!r}"
    # In one pass: the checkout itself may lie below /tmp.
    return re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)
