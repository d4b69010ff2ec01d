"""A real Kubernetes API on loopback for clusters without machines: etcd, API server, the controllers that a rollout needs, the scheduler.

It outlives the clusters that use it: a new control plane instance gets it empty, as kubeadm would leave it, by taking out of etcd
what was not there at the start. That is a stand-in's liberty, and why a second cluster costs no second API server.
"""

import base64
import json
import os
import shutil
import socket
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from rehearsal import processes
from rehearsal.errors import RehearsalError
from rehearsal.windows_standin.api import Access, Api, ApiFailure

LOOPBACK = "127.0.0.1"
READY_SECONDS = 60.0
NOT_ADMITTING = "--disable-admission-plugins=TaintNodesByCondition"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# What turns a Deployment or DaemonSet into placed pods, gives a Service its endpoints and lets objects go; nothing that
# judges nodes.
CONTROLLERS = (
    *("deployment-controller", "replicaset-controller", "daemonset-controller"),
    *("endpointslice-controller", "disruption-controller"),
    # Deprecated, but what Pulumi's Kubernetes provider looks at when it waits for a Service.
    "endpoints-controller",
    *("garbage-collector-controller", "namespace-controller", "serviceaccount-controller"),
)
SERVICE_RANGE = "10.96.0.0/12"
# Written over and over by the servers themselves, and about no cluster in particular.
SERVERS_OWN = ("/registry/leases/", "/registry/masterleases/", "/registry/events/")
# Which node ports are taken: a bitmap that does not follow when a Service goes behind the API server's back.
RANGES = {"/registry/ranges/servicenodeports"}


@dataclass(frozen=True, kw_only=True, slots=True)
class KubernetesApi:
    """A running API."""

    server: str
    etcd: str
    authority: str
    admin_certificate: str
    admin_key: str
    folder: Path
    _pristine: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def kubeconfig(self) -> str:
        """The administrator's, as kubeadm writes it."""
        user = {"client-certificate-data": _base64(self.admin_certificate), "client-key-data": _base64(self.admin_key)}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "faked", "cluster": {"server": self.server, "certificate-authority-data": _base64(self.authority)}}],
                "users": [{"name": "kubernetes-admin", "user": user}],
                "contexts": [{"name": "admin@faked", "context": {"cluster": "faked", "user": "kubernetes-admin"}}],
                "current-context": "admin@faked",
            }
        )

    def client(self) -> Api:
        return Api(Access(server=self.server, ca_pem=self.authority, client_pem=self.folder / "admin.pem"))

    def remember(self) -> None:
        """From now on a new cluster is what this one is."""
        self._pristine.update(self._content())

    def make_new(self) -> None:
        """Takes out everything that came after `remember`, and gives the node ports back."""
        for key in self._content().keys() - self._pristine.keys():
            if not key.startswith(SERVERS_OWN):
                self._etcd("deleterange", key=_base64(key))
        for key in RANGES & self._pristine.keys():
            self._etcd("put", key=_base64(key), value=self._pristine[key])

    def _content(self) -> dict[str, str]:
        """Every key with its value, still in base64."""
        found = self._etcd("range", key=_base64("/registry/"), range_end=_base64("/registry0"))
        return {base64.b64decode(item["key"]).decode(): item.get("value", "") for item in found.get("kvs", ())}

    def _etcd(self, verb: str, **body: Any) -> dict[str, Any]:
        """etcd's own HTTP gateway to its gRPC API."""
        request = urllib.request.Request(f"{self.etcd}/v3/kv/{verb}", json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback, our own etcd
            return json.loads(answer.read())


@contextmanager
def running_api(folder: Path, programs: Path | None = None, names: Sequence[str] = PROGRAMS) -> Generator[KubernetesApi]:
    """The API for the length of the block, its data and logs in `folder`; `programs` holds the servers, else they are on PATH.

    With `names` etcd and kube-apiserver alone it judges objects, and makes nothing of them; pods then need no service account.
    """
    folder.mkdir(parents=True)
    found = {name: _program(name, programs) for name in names}
    with ExitStack() as stack:
        api_port, etcd_port, peer_port = _free_ports(3)
        api = _certified(folder, api_port, etcd_port)
        client = f"--kubeconfig={folder / 'kubeconfig'}"
        flags = {
            "etcd": _etcd_flags(folder, api.etcd, f"http://{LOOPBACK}:{peer_port}"),
            "kube-apiserver": _apiserver_flags(folder, api),
            "kube-controller-manager": [client, "--leader-elect=false", "--secure-port=0", f"--controllers={','.join(CONTROLLERS)}"],
            "kube-scheduler": [client, "--leader-elect=false", "--secure-port=0"],
        }
        controlled = "kube-controller-manager" in names
        if not controlled:
            flags["kube-apiserver"].append(f"{NOT_ADMITTING},ServiceAccount")
        for name in names:
            _start(stack, folder, found[name], flags[name])
        _wait_until_complete(api, controlled=controlled)
        api.remember()
        yield api


def _program(name: str, programs: Path | None) -> str:
    found = shutil.which(name, path=f"{programs}{os.pathsep}{os.environ['PATH']}" if programs else None)
    if not found:
        raise RehearsalError(f"{name} is not on PATH: faked machines need the programs that the rehearsal builds (python -m rehearsal.supplies)")
    return found


def _certified(folder: Path, api_port: int, etcd_port: int) -> KubernetesApi:
    """A CA of this run, a server certificate and the administrator's client certificate."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert(LOOPBACK, "localhost", "kubernetes", "10.96.0.1", key_type=trustme.KeyType.ECDSA)
    # A name in it as in any other: Go refuses a certificate whose list of names is there and empty.
    admin = authority.issue_cert(
        "kubernetes-admin", common_name="kubernetes-admin", organization_name="system:masters", key_type=trustme.KeyType.ECDSA
    )
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    admin.private_key_and_cert_chain_pem.write_to_path(folder / "admin.pem")
    (folder / "admin.pem").chmod(0o600)
    api = KubernetesApi(
        server=f"https://{LOOPBACK}:{api_port}",
        etcd=f"http://{LOOPBACK}:{etcd_port}",
        authority=(folder / "ca.pem").read_text(),
        admin_certificate=admin.cert_chain_pems[0].bytes().decode(),
        admin_key=admin.private_key_pem.bytes().decode(),
        folder=folder,
    )
    (folder / "kubeconfig").touch(mode=0o600)
    (folder / "kubeconfig").write_text(api.kubeconfig)
    return api


def _etcd_flags(folder: Path, client: str, peer: str) -> list[str]:
    return [
        *(f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"),
        # Nobody needs this data after a crash.
        "--unsafe-no-fsync",
    ]


def _apiserver_flags(folder: Path, api: KubernetesApi) -> list[str]:
    certificate = folder / "server.pem"
    return [
        *(f"--etcd-servers={api.etcd}", f"--bind-address={LOOPBACK}", f"--advertise-address={LOOPBACK}", "--endpoint-reconciler-type=none"),
        *(f"--secure-port={api.server.rpartition(':')[2]}", f"--tls-cert-file={certificate}", f"--tls-private-key-file={certificate}"),
        *(f"--client-ca-file={folder / 'ca.pem'}", f"--service-cluster-ip-range={SERVICE_RANGE}", "--authorization-mode=Node,RBAC"),
        *("--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={certificate}"),
        *(f"--service-account-signing-key-file={certificate}", "--allow-privileged=true", "--profiling=false"),
        # A node is Ready from its registration on; nobody is there to take a new node's taint away.
        NOT_ADMITTING,
    ]


def _start(stack: ExitStack, folder: Path, program: str, flags: list[str]) -> None:
    name = Path(program).name
    environment: Mapping[str, str] = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    daemon = processes.start(name, [program, *flags], environment=environment, log=folder / f"{name}.log")
    stack.callback(daemon.kill)


def _wait_until_complete(api: KubernetesApi, *, controlled: bool) -> None:
    """What the servers make of themselves in a new cluster: the last role that opens /readyz to all, and every first account."""
    client = api.client()
    _patiently(api, lambda: client.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:public-info-viewer"))
    _patiently(api, lambda: client.get("/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical"))
    for namespace in () if not controlled else ("default", "kube-node-lease", "kube-public", "kube-system"):
        _patiently(api, lambda name=namespace: client.get(f"/api/v1/namespaces/{name}/serviceaccounts/default"))


def _patiently(api: KubernetesApi, look: Callable[[], Any]) -> None:
    try:
        Retrying(retry=retry_if_exception_type((ApiFailure, OSError)), wait=wait_fixed(0.1), stop=stop_after_delay(READY_SECONDS), reraise=True)(look)
    except (ApiFailure, OSError) as error:
        raise RehearsalError(f"the Kubernetes API of the faked machines did not become ready: {error}; its logs are in {api.folder}") from error


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; all are held until all are known."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
