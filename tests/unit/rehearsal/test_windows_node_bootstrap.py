"""Test that a node verifies a cluster as kubeadm does and requests its certificate as kubelet does."""

import base64
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from rehearsal.windows_node import bootstrap
from rehearsal.windows_node.api import Access, Api
from rehearsal.windows_node.bootstrap import Discovery
from rehearsal.windows_node.errors import BootstrapError

TOKEN = "abcdef.0123456789abcdef"
# Written by the bootstrap signer of kube-controller-manager v1.35.8 in a temporary cluster.
CLUSTER_INFO = json.loads(Path(__file__).with_name("windows_standin_cluster_info.json").read_text())
# computed with openssl as in the kubeadm documentation
PIN = "sha256:e3b0ecd5a24428a4d6262fb286c74852a55729e1135da3e52414584015777e25"


def test_a_signature_of_the_real_controller_manager_is_accepted():
    assert bootstrap.signature_is_valid(
        CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"], TOKEN
    )


@pytest.mark.parametrize(
    ("signature", "content", "token"),
    [
        (CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"] + " ", TOKEN),
        (CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"], "abcdef.0123456789abcdee"),
        (CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"], "fedcba.0123456789abcdef"),
        ("e30..AAAA", CLUSTER_INFO["kubeconfig"], TOKEN),
        ("no signature at all", CLUSTER_INFO["kubeconfig"], TOKEN),
    ],
    ids=["content", "secret", "token id", "no algorithm", "no JWS"],
)
def test_any_other_signature_is_refused(signature, content, token):
    assert not bootstrap.signature_is_valid(signature, content, token)


def test_the_pin_of_a_real_ca_is_the_one_that_openssl_computes():
    assert bootstrap.pinned_ca(CLUSTER_INFO["kubeconfig"], (PIN,)).startswith("-----BEGIN CERTIFICATE-----")


def test_a_ca_that_is_not_pinned_is_refused():
    with pytest.raises(BootstrapError, match="this is another cluster"):
        bootstrap.pinned_ca(CLUSTER_INFO["kubeconfig"], ("sha256:" + "0" * 64,))


def test_the_request_is_one_that_is_approved_unseen():
    request = bootstrap.signing_request("windows-0", ec.generate_private_key(ec.SECP256R1()))
    subject = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"])).subject
    assert subject.rfc4514_string() == "CN=system:node:windows-0,O=system:nodes"
    assert request["spec"]["signerName"] == "kubernetes.io/kube-apiserver-client-kubelet"
    assert request["spec"]["usages"] == ["digital signature", "client auth"], (
        "with key encipherment an EC request is left unapproved"
    )


class Cluster:
    """An API server over TLS on loopback that serves cluster-info and certificate requests."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.kubeconfig = yaml.safe_dump(
            {
                "clusters": [
                    {
                        "cluster": {
                            "certificate-authority-data": base64.b64encode(self.ca.cert_pem.bytes()).decode()
                        }
                    }
                ]
            }
        )
        self.token = TOKEN
        self.requests: list[dict] = []
        self.verdict: dict = {"certificate": base64.b64encode(b"CERTIFICATE\n").decode()}
        self.bearer: str | None = None
        self.changing = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert("127.0.0.1").configure_cert(tls)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def pin(self) -> str:
        return bootstrap.public_key_hash(x509.load_pem_x509_certificate(self.ca.cert_pem.bytes()))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def cluster_info(self) -> dict:
        header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"abcdef"}').rstrip(b"=")
        payload = base64.urlsafe_b64encode(self.kubeconfig.encode()).rstrip(b"=")
        signature = hmac.digest(self.token.partition(".")[2].encode(), header + b"." + payload, "sha256")
        detached = f"{header.decode()}..{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        return {"data": {"kubeconfig": self.kubeconfig, "jws-kubeconfig-abcdef": detached}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if cluster.changing:
                    cluster.kubeconfig += "# changed\n"
                known = {"/api/v1/namespaces/kube-public/configmaps/cluster-info": cluster.cluster_info()}
                self._answer(known.get(self.path, {"status": cluster.verdict}))

            def do_POST(self) -> None:
                cluster.bearer = self.headers["Authorization"]
                cluster.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer({"metadata": {"name": "node-csr-1"}})

            def _answer(self, document: dict) -> None:
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.close()


def test_discovery_hands_back_the_pinned_ca(cluster):
    found = bootstrap.discover(
        Discovery(endpoint=cluster.endpoint, token=TOKEN, ca_cert_hashes=(cluster.pin,))
    )
    assert found == cluster.ca.cert_pem.bytes().decode()


def test_discovery_refuses_a_cluster_that_does_not_know_the_token(cluster):
    cluster.token = "abcdef.ffffffffffffffff"
    with pytest.raises(BootstrapError, match="cannot be trusted"):
        bootstrap.discover(Discovery(endpoint=cluster.endpoint, token=TOKEN, ca_cert_hashes=(cluster.pin,)))


def test_discovery_refuses_a_cluster_info_that_changes_once_tls_is_verified(cluster):
    cluster.changing = True
    with pytest.raises(BootstrapError, match="differs between the unverified and the verified read"):
        bootstrap.discover(Discovery(endpoint=cluster.endpoint, token=TOKEN, ca_cert_hashes=(cluster.pin,)))


def test_the_issued_certificate_is_kept_with_its_key_for_the_node_alone(cluster, tmp_path):
    pem = tmp_path / "client.pem"
    api = Api(
        Access(server=f"https://{cluster.endpoint}", ca_pem=cluster.ca.cert_pem.bytes().decode(), token=TOKEN)
    )
    bootstrap.client_certificate(api, "windows-0", pem)
    assert cluster.bearer == f"Bearer {TOKEN}"
    assert pem.read_bytes().startswith(b"CERTIFICATE\n-----BEGIN EC PRIVATE KEY-----")
    assert pem.stat().st_mode & 0o777 == 0o600


def test_a_denied_request_says_who_denied_it(cluster, tmp_path):
    cluster.verdict = {"conditions": [{"type": "Denied", "message": "not this one"}]}
    api = Api(
        Access(server=f"https://{cluster.endpoint}", ca_pem=cluster.ca.cert_pem.bytes().decode(), token=TOKEN)
    )
    with pytest.raises(BootstrapError, match="not granted: Denied: not this one"):
        bootstrap.client_certificate(api, "windows-0", tmp_path / "client.pem")
