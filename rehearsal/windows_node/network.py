"""Run the node's overlay network: the real flanneld, with the credentials of the Windows nodes.

The flags are those of userdata/windows/worker.ps1, plus a subnet file per instance, because all instances
share one disk.
"""

import base64
import ipaddress
import logging
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import urllib3
import yaml
from urllib3.exceptions import HTTPError

from rehearsal.files import write_atomically
from rehearsal.waiting import poll
from rehearsal.windows_node import shell
from rehearsal.windows_node.api import Access, Api, ApiFailure, Json
from rehearsal.windows_node.errors import InputError

log = logging.getLogger(__name__)

_READY_URL = "http://127.0.0.1:8081/readyz"
_POLL_SECONDS = 1.0
_GRACE_SECONDS = 5


# win-overlay ignores port mappings, win-bridge applies them (containernetworking/plugins v1.9.1,
# plugins/main/windows).
_HOST_PORTS = {"vxlan": False, "host-gw": True}


def host_ports(backend: str) -> bool:
    """Return whether the CNI plugin of this backend supports hostPorts."""
    if backend not in _HOST_PORTS:
        raise InputError(
            f"user-data sets $FlannelBackend to {backend}; accepted is one of {', '.join(_HOST_PORTS)}"
        )
    return _HOST_PORTS[backend]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flanneld:
    """One flanneld with its files."""

    program: str
    directory: Path
    log_file: Path
    node_name: str
    node_ip: str

    @property
    def subnet_file(self) -> Path:
        return self.directory / "subnet.env"

    def write(self, kubeconfig: str, net_conf: str) -> None:
        """Write the files that flanneld reads."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "net-conf.json").write_text(net_conf)
        write_atomically(self.directory / "network.kubeconfig", kubeconfig, mode=0o600)

    def command(self) -> list[str]:
        return [
            self.program,
            "--kube-subnet-mgr",
            f"--kubeconfig-file={self.directory / 'network.kubeconfig'}",
            f"--net-config-path={self.directory / 'net-conf.json'}",
            f"--iface={self.node_ip}",
            "--iptables-forward-rules=false",
            "--healthz-ip=127.0.0.1",
            "--healthz-port=8081",
            f"--subnet-file={self.subnet_file}",
        ]

    def start(self) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as output:
            return shell.start(self.command(), output, os.environ | {"NODE_NAME": self.node_name})


class Overlay:
    """Keeps flanneld running once its credentials may read nodes."""

    def __init__(self, flanneld: Flanneld, kubeconfig: str, stop: threading.Event) -> None:
        self._flanneld, self._kubeconfig, self._stop = flanneld, kubeconfig, stop

    def keep(self) -> None:
        """Restart flanneld whenever it ends, until the stop event."""
        self._wait_until_allowed()
        while not self._stop.is_set():
            process = self._flanneld.start()
            log.info("flanneld started, pid %s", process.pid)
            while process.poll() is None and not self._stop.wait(_POLL_SECONDS):
                pass
            shell.end(process, _GRACE_SECONDS)
            log.info("flanneld ended with %s", shell.exit_code(process))

    def wait_until_up(self, timeout_seconds: float) -> ipaddress.IPv4Network | None:
        """Return the node's pod subnet once flanneld is ready; None after the time limit or the stop
        event.
        """
        ready = poll(lambda: self._stop.is_set() or _answers(_READY_URL), timeout_seconds, _POLL_SECONDS / 4)
        return (
            pod_subnet(self._flanneld.subnet_file.read_text()) if ready and not self._stop.is_set() else None
        )

    def _wait_until_allowed(self) -> None:
        """Wait until the role binding exists, which the program creates after the node may have started.

        flanneld would wait too, but it retries its list of nodes ever more slowly, up to every 30 s.
        """
        api = Api(kubeconfig_access(self._kubeconfig, self._flanneld.directory / "client.pem"))
        reason = ""
        while not self._stop.wait(_POLL_SECONDS):
            try:
                api.get("/api/v1/nodes", limit="1")
                return
            except ApiFailure as error:
                if str(error) != reason:
                    log.info("flanneld must wait: %s", error)
                reason = str(error)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=2, retries=False).status == 200
    except HTTPError:
        return False


def pod_subnet(subnet_env: str) -> ipaddress.IPv4Network:
    """Return the node's subnet from flanneld's subnet.env."""
    settings = dict(line.split("=", 1) for line in subnet_env.splitlines() if "=" in line)
    return ipaddress.IPv4Interface(settings["FLANNEL_SUBNET"]).network


def kubeconfig_access(kubeconfig: str, client_pem: Path) -> Access:
    """Return the access of a kubeconfig with one cluster and an embedded client certificate."""
    config: Json = yaml.safe_load(kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    pem = base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"])
    write_atomically(client_pem, pem, mode=0o600)
    return Access(
        server=cluster["server"],
        ca_pem=base64.b64decode(cluster["certificate-authority-data"]).decode(),
        client_pem=client_pem,
    )
