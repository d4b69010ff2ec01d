"""Run a private registry on loopback, with a login, and let the Windows machine reach it.

The registry is CNCF's distribution (tools/distribution). A relay in the machine's network namespace listens
on the same loopback address, so that operator and node call the registry by one name, as they would call ECR.
"""

import base64
import json
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from rehearsal.hosts import netns

ADDRESS = "127.0.0.1"
USER, PASSWORD = "rehearsal", "rehearsal"
# `htpasswd -nbB rehearsal rehearsal`: distribution takes bcrypt alone (registry/auth/htpasswd/htpasswd.go).
_PASSWORDS = "rehearsal:$2b$05$ubS8Q3Ju.LeCc9GSqD5q7ekkPR3CXiU/T2U7zRqCGgeUBF.Lrg/Da\n"
_CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: '{host}'}}
auth: {{htpasswd: {{realm: rehearsal, path: {folder}/passwords}}}}
"""
_READY_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateRegistry:
    """A running registry: its name, and the folder of docker's configuration with its login."""

    host: str
    docker: Path
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def start(program: Path, folder: Path, log: Path) -> PrivateRegistry:
    """Start the registry on a free port; it ends with the calling thread."""
    shutil.rmtree(folder, ignore_errors=True)
    docker = folder / "docker"
    docker.mkdir(parents=True)
    host = f"{ADDRESS}:{_free_port()}"
    (folder / "passwords").write_text(_PASSWORDS)
    (folder / "config.yml").write_text(_CONFIG.format(folder=folder, host=host))
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (docker / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    command = ("setpriv", "--pdeathsig", "KILL", str(program), "serve", str(folder / "config.yml"))
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    _wait(host, process, log)
    return PrivateRegistry(host=host, docker=docker, process=process)


def relay_into(namespace: str, registry: PrivateRegistry) -> None:
    """Listen on the registry's address inside a machine's network namespace, until this process ends."""
    address = (ADDRESS, int(registry.host.rpartition(":")[2]))

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(address) as upstream:
                back = threading.Thread(target=_copy, args=(upstream, self.request), daemon=True)
                back.start()
                _copy(self.request, upstream)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    # A socket belongs to the namespace in which it is made; the threads make theirs in the host's.
    with netns.inside(namespace):
        server = Server(address, Forward)
    threading.Thread(target=server.serve_forever, daemon=True, name=f"registry for {namespace}").start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side has closed the connection
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


def _wait(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            # 401: it is there and wants a login.
            if requests.get(f"http://{host}/v2/", timeout=1).status_code == 401:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"the registry did not become ready; its log ends:\n{tail}")
