"""Boot one Windows instance phase by phase as its user-data would, then run the node."""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.windows_node import bootstrap, inputs, metadata
from rehearsal.windows_node.addresses import PodAddresses
from rehearsal.windows_node.api import Access, Api
from rehearsal.windows_node.aws import Aws
from rehearsal.windows_node.errors import InputError, StandinError
from rehearsal.windows_node.events import Recorder
from rehearsal.windows_node.heartbeat import Heartbeat
from rehearsal.windows_node.kubelet_server import KubeletServer
from rehearsal.windows_node.network import Flanneld, Overlay, host_ports
from rehearsal.windows_node.node import RELEASES, Machine, release_of
from rehearsal.windows_node.pods import Pods
from rehearsal.windows_node.progress import Progress
from rehearsal.windows_node.rendezvous import wait_for_document
from rehearsal.windows_node.threads import spawn
from rehearsal.windows_node.worker import Node

_NOTHING_HERE = ("reboot", "download", "containerd", "prepare-node")
_DOCUMENT_SECONDS = 2400.0  # as long as the Windows script waits
_NETWORK_SECONDS = 2400.0
_READY_SECONDS = 600.0
# The machine host sends SIGKILL soon after SIGTERM.
_GRACE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The machine host's arguments; `os_name` overrides the release in the user-data."""

    instance_id: str
    node: str
    ip: str
    state: Path
    flanneld: str
    aws: Aws
    os_name: str | None = None


class StandIn:
    """One node, from its boot to SIGTERM."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._inputs = inputs.from_user_data(metadata.user_data())
        if self._inputs.node_name != options.node:
            raise InputError(
                f"the node is {self._inputs.node_name} in the user-data and {options.node} in its tag"
            )
        self._progress = Progress(instance=options.instance_id, node=options.node, publish=self._publish)
        self._addresses = PodAddresses(options.ip)
        self._stop = threading.Event()
        self._flannel: threading.Thread | None = None
        self._pods: Pods | None = None

    def run(self) -> None:
        """Boot, then wait for SIGTERM."""
        with self._progress.phase("feature"):
            self._check_script()
        for phase in _NOTHING_HERE:
            self._progress.skip(phase)
        with self._progress.phase("join"):
            network_kubeconfig: str = self._document("windows-network")["kubeconfig"]
            registration = self._registration()
            heartbeat = self._kubelet(registration, self._identity(registration))
        with self._progress.phase("flannel"):
            self._network(network_kubeconfig, heartbeat)
        self._progress.skip("kube-proxy")
        with self._progress.phase("ready"):
            if not heartbeat.ready.wait(_READY_SECONDS):
                raise StandinError(f"the node's status could not be reported within {_READY_SECONDS:.0f} s")
        self._progress.done()
        threading.Event().wait()

    def end(self) -> None:
        """Stop the node's processes. Its interfaces and addresses go with the namespace."""
        self._stop.set()
        if self._pods is not None:
            self._pods.end_all(_GRACE_SECONDS)
        if self._flannel is not None:
            self._flannel.join(_GRACE_SECONDS)

    def _check_script(self) -> None:
        """Download the node's script and check its sum, as bootstrap.ps1 does."""
        wanted = self._inputs
        script = self._options.aws.read_object(wanted.script_bucket, wanted.script_key)
        found = hashlib.sha256(script).hexdigest()
        if found != wanted.script_sha256:
            address = f"s3://{wanted.script_bucket}/{wanted.script_key}"
            raise InputError(f"{address} has the sha256 {found}, the user-data says {wanted.script_sha256}")

    def _machine(self) -> Machine:
        return Machine(
            instance_id=self._options.instance_id,
            ip=self._options.ip,
            release=RELEASES[self._options.os_name]
            if self._options.os_name
            else release_of(self._inputs.images),
            kubernetes_version=self._inputs.kubernetes_version,
            containerd_version=self._inputs.containerd_version,
        )

    def _registration(self) -> inputs.Registration:
        registration = inputs.registration(self._inputs.join_configuration, self._document("join"))
        if registration.name != self._options.node:
            raise InputError(f"the JoinConfiguration registers {registration.name}, not {self._options.node}")
        return registration

    def _identity(self, registration: inputs.Registration) -> Access:
        """Return the node's credentials; a machine that boots again already has them."""
        discovery, pem, ca_file = (
            registration.discovery,
            self._options.state / "kubelet-client-current.pem",
            self._options.state / "ca.crt",
        )
        if not (pem.exists() and ca_file.exists()):
            ca_pem = bootstrap.discover(discovery)
            token = Access(server=discovery.server, ca_pem=ca_pem, token=discovery.token)
            bootstrap.client_certificate(Api(token), registration.name, pem)
            ca_file.write_text(ca_pem)
        return Access(server=discovery.server, ca_pem=ca_file.read_text(), client_pem=pem)

    def _kubelet(self, registration: inputs.Registration, access: Access) -> Heartbeat:
        """Register the node and start to serve its pods, which wait for the network."""
        options, api = self._options, Api(access)
        heartbeat = Heartbeat(api, self._machine(), registration)
        heartbeat.register()
        spawn("heartbeat", heartbeat.keep)
        recorder = Recorder(api, options.node)
        node = Node(
            api=api, addresses=self._addresses, recorder=recorder, ip=options.ip, directory=options.state
        )
        self._pods = Pods(node, options.node)
        spawn("pods", self._pods.keep)
        server = KubeletServer(
            node=options.node,
            ip=options.ip,
            ca_pem=access.ca_pem or "",
            directory=options.state,
            log_file=self._pods.log_file,
        )
        spawn("kubelet server", server.keep)
        return heartbeat

    def _network(self, kubeconfig: str, heartbeat: Heartbeat) -> None:
        options, ports = self._options, host_ports(self._inputs.flannel_backend)
        flanneld = Flanneld(
            program=options.flanneld,
            directory=options.state / "flannel",
            log_file=options.state / "flanneld.log",
            node_name=options.node,
            node_ip=options.ip,
        )
        flanneld.write(kubeconfig, self._inputs.flannel_net_conf)
        overlay = Overlay(flanneld, kubeconfig, self._stop)
        self._flannel = spawn("flannel", overlay.keep)
        subnet = overlay.wait_until_up(_NETWORK_SECONDS)
        if subnet is None:
            raise StandinError(
                f"flanneld is not ready after {_NETWORK_SECONDS:.0f} s; see {flanneld.log_file}"
            )
        self._addresses.use(subnet, host_ports=ports)
        heartbeat.network_is_up()

    def _document(self, name: str) -> dict[str, Any]:
        """Wait for one of the control plane's documents."""
        parameter = f"/microcosm/{self._inputs.stack}/{name}"
        return wait_for_document(
            lambda: self._options.aws.read_parameter(parameter),
            control_plane=self._inputs.control_plane_id,
            timeout_seconds=_DOCUMENT_SECONDS,
        )

    def _publish(self, document: str) -> None:
        self._options.aws.write_parameter(
            f"/microcosm/{self._inputs.stack}/status/{self._options.node}", document
        )
