"""Run a real Kubernetes API on loopback without machines: etcd, API server, scheduler and the controllers of
a rollout.

The API outlives the clusters that use it. For a new control plane, all keys that came after the start are
deleted from etcd, which leaves the API as kubeadm would. So a second cluster needs no second API server.
"""

import os
import shutil
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import trustme
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from rehearsal import processes
from rehearsal.errors import RehearsalError
from rehearsal.windows_node.api import ApiFailure

from .api import KubernetesApi

LOOPBACK = "127.0.0.1"
READY_SECONDS = 60.0
NOT_ADMITTING = "--disable-admission-plugins=TaintNodesByCondition"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# The controllers that create pods for Deployments and DaemonSets, fill the endpoints of Services and delete
# objects; none that judges nodes.
CONTROLLERS = (
    *("deployment-controller", "replicaset-controller", "daemonset-controller"),
    *("endpointslice-controller", "disruption-controller"),
    # Deprecated, but Pulumi's Kubernetes provider reads Endpoints when it waits for a Service.
    "endpoints-controller",
    *("garbage-collector-controller", "namespace-controller", "serviceaccount-controller"),
)
SERVICE_RANGE = "10.96.0.0/12"


@contextmanager
def running_api(
    folder: Path, programs: Path | None = None, names: Sequence[str] = PROGRAMS
) -> Generator[KubernetesApi]:
    """Run the API during the block, with data and logs in `folder`.

    `programs` is the folder of the servers; without it they are on PATH. With only etcd and kube-apiserver in
    `names` the API validates objects but creates nothing from them, and pods need no service account.
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
            "kube-controller-manager": [
                client,
                "--leader-elect=false",
                "--secure-port=0",
                f"--controllers={','.join(CONTROLLERS)}",
            ],
            "kube-scheduler": [client, "--leader-elect=false", "--secure-port=0"],
        }
        controlled = "kube-controller-manager" in names
        if not controlled:
            flags["kube-apiserver"].append(f"{NOT_ADMITTING},ServiceAccount")
        for name in names:
            _start(stack, folder, found[name], flags[name])
            if name == "kube-apiserver":
                # kube-controller-manager exits if the API server is not healthy within 20 s of its own start.
                _wait_for_api(api)
        if controlled:
            _wait_for_accounts(api)
        api.remember()
        yield api


def _program(name: str, programs: Path | None) -> str:
    found = shutil.which(name, path=f"{programs}{os.pathsep}{os.environ['PATH']}" if programs else None)
    if not found:
        raise RehearsalError(f"{name} is not on PATH; `python -m rehearsal.build` builds it")
    return found


def _certified(folder: Path, api_port: int, etcd_port: int) -> KubernetesApi:
    """Create a CA, a server certificate and the administrator's client certificate."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert(
        LOOPBACK, "localhost", "kubernetes", "10.96.0.1", key_type=trustme.KeyType.ECDSA
    )
    # Go refuses a certificate with an empty list of names, so this one has a name.
    admin = authority.issue_cert(
        "kubernetes-admin",
        common_name="kubernetes-admin",
        organization_name="system:masters",
        key_type=trustme.KeyType.ECDSA,
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
        *(
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
        ),
        *(
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ),
        # This data need not survive a crash.
        "--unsafe-no-fsync",
    ]


def _apiserver_flags(folder: Path, api: KubernetesApi) -> list[str]:
    certificate = folder / "server.pem"
    return [
        *(
            f"--etcd-servers={api.etcd}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            "--endpoint-reconciler-type=none",
        ),
        *(
            f"--secure-port={api.server.rpartition(':')[2]}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={certificate}",
        ),
        *(
            f"--client-ca-file={folder / 'ca.pem'}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
        ),
        *(
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={certificate}",
        ),
        *(
            f"--service-account-signing-key-file={certificate}",
            "--allow-privileged=true",
            "--profiling=false",
        ),
        # A node is Ready from its registration on, and no controller would remove a new node's taint.
        NOT_ADMITTING,
    ]


def _start(stack: ExitStack, folder: Path, program: str, flags: list[str]) -> None:
    name = Path(program).name
    environment: Mapping[str, str] = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    daemon = processes.start(name, [program, *flags], environment=environment, log=folder / f"{name}.log")
    stack.callback(daemon.kill)


def _wait_for_api(api: KubernetesApi) -> None:
    """Wait for the objects that the API server creates itself; the role is the last, and opens /readyz to
    all.
    """
    client = api.client()
    _retry(
        api,
        lambda: client.get(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:public-info-viewer"
        ),
    )
    _retry(api, lambda: client.get("/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical"))


def _wait_for_accounts(api: KubernetesApi) -> None:
    """Wait for the service accounts that kube-controller-manager creates."""
    client = api.client()
    for namespace in ("default", "kube-node-lease", "kube-public", "kube-system"):
        _retry(api, lambda name=namespace: client.get(f"/api/v1/namespaces/{name}/serviceaccounts/default"))


def _retry(api: KubernetesApi, look: Callable[[], Any]) -> None:
    try:
        Retrying(
            retry=retry_if_exception_type((ApiFailure, OSError)),
            wait=wait_fixed(0.1),
            stop=stop_after_delay(READY_SECONDS),
            reraise=True,
        )(look)
    except (ApiFailure, OSError) as error:
        raise RehearsalError(
            f"the Kubernetes API did not become ready: {error}; its logs are in {api.folder}"
        ) from error


def _free_ports(count: int) -> list[int]:
    """Return free ports; all are held until all are known."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
