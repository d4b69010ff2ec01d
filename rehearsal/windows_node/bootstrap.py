"""Get a node's identity: kubeadm's token discovery, then kubelet's certificate request.

Discovery follows cmd/kubeadm/app/discovery/token/token.go, the request
pkg/kubelet/certificate/bootstrap/bootstrap.go (kubernetes v1.35.8): the CA is trusted only if both the
token's signature and the pinned hash match.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from rehearsal.files import write_atomically
from rehearsal.windows_node.api import Access, Api, ApiFailure, Json
from rehearsal.windows_node.errors import BootstrapError

_CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
_WAIT_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovery:
    """The discovery.bootstrapToken section of the JoinConfiguration; its token is also the TLS bootstrap
    token.
    """

    endpoint: str
    token: str
    ca_cert_hashes: tuple[str, ...]

    @property
    def server(self) -> str:
        return f"https://{self.endpoint}"


def discover(discovery: Discovery) -> str:
    """Return the cluster's CA (PEM), verified as kubeadm does."""
    unverified = _signed_kubeconfig(Api(Access(server=discovery.server)), discovery.token)
    ca_pem = pinned_ca(unverified, discovery.ca_cert_hashes)
    verified = _signed_kubeconfig(Api(Access(server=discovery.server, ca_pem=ca_pem)), discovery.token)
    if verified != unverified:
        raise BootstrapError(
            f"cluster-info of {discovery.server} differs between the unverified and the verified read"
        )
    return ca_pem


def client_certificate(api: Api, node: str, pem: Path) -> None:
    """Request the node's client certificate with the bootstrap token, wait for it, and write it with its key
    to `pem`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    created = api.create(_REQUESTS, signing_request(node, key))
    issued = _issued(api, created["metadata"]["name"])
    write_atomically(pem, issued + private_pem(key), mode=0o600)


def pinned_ca(kubeconfig: str, pins: tuple[str, ...]) -> str:
    """Return the CA in cluster-info's kubeconfig if its public key is pinned."""
    document: Json = yaml.safe_load(kubeconfig)
    ca_pem = base64.b64decode(document["clusters"][0]["cluster"]["certificate-authority-data"])
    found = public_key_hash(x509.load_pem_x509_certificate(ca_pem))
    if found not in pins:
        raise BootstrapError(f"this is another cluster: its CA has the hash {found}, not {', '.join(pins)}")
    return ca_pem.decode()


def public_key_hash(certificate: x509.Certificate) -> str:
    """Return kubeadm's pin: sha256 of the DER SubjectPublicKeyInfo."""
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sha256:{hashlib.sha256(spki).hexdigest()}"


def signature_is_valid(detached: str, content: str, token: str) -> bool:
    """Check cluster-info's detached JWS (RFC 7515 appendix F) against the bootstrap token `id.secret`."""
    token_id, _, secret = token.partition(".")
    header, _, signature = detached.partition("..")
    try:
        claims = json.loads(_unbase64(header))
        given = _unbase64(signature)
    except (ValueError, binascii.Error):
        return False
    payload = base64.urlsafe_b64encode(content.encode()).rstrip(b"=")
    expected = hmac.digest(secret.encode(), header.encode() + b"." + payload, "sha256")
    return (
        claims.get("alg") == "HS256"
        and claims.get("kid") == token_id
        and hmac.compare_digest(given, expected)
    )


def signing_request(node: str, key: ec.EllipticCurvePrivateKey) -> Json:
    """Return a CertificateSigningRequest that the controller manager approves for a bootstrapping node."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{node}"),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "node-csr-"},
        "spec": {
            "request": base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode(),
            "signerName": _SIGNER,
            # The controller manager does not approve "key encipherment" for an EC key.
            "usages": ["digital signature", "client auth"],
        },
    }


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as kubelet writes it into kubelet-client-current.pem."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _signed_kubeconfig(api: Api, token: str) -> str:
    """Return cluster-info's kubeconfig once the controller manager has signed it with our token."""
    name = f"jws-kubeconfig-{token.partition('.')[0]}"

    def unsigned(data: dict[str, str]) -> bool:
        return name not in data

    data: dict[str, str] = _retry(unsigned)(lambda: api.get(_CLUSTER_INFO)["data"])
    if unsigned(data):
        raise BootstrapError(
            f"cluster-info has no {name} after {_WAIT_SECONDS} s: the bootstrap token is unknown or expired"
        )
    if not signature_is_valid(data[name], data["kubeconfig"], token):
        raise BootstrapError(
            "the signature of cluster-info does not match the token: this API server cannot be trusted"
        )
    return data["kubeconfig"]


def _issued(api: Api, name: str) -> bytes:
    """Return the certificate (PEM) of a request once it is approved and signed."""

    def pending(request: Json) -> bool:
        return not request.get("status", {}).get("certificate") and not _refusal(request)

    request: Json = _retry(pending)(lambda: api.get(f"{_REQUESTS}/{name}"))
    if pending(request) or _refusal(request):
        reason = _refusal(request) or f"undecided for {_WAIT_SECONDS} s"
        raise BootstrapError(f"certificate request {name} was not granted: {reason}")
    return base64.b64decode(request["status"]["certificate"])


def _refusal(request: Json) -> str:
    conditions: list[Json] = request.get("status", {}).get("conditions", [])
    return next(
        (f"{c['type']}: {c.get('message', '')}" for c in conditions if c["type"] in ("Denied", "Failed")), ""
    )


def _retry(undecided: Any) -> Retrying:
    """Call twice a second while the API is away or its answer undecided; return the last answer."""
    return Retrying(
        retry=retry_if_exception_type(ApiFailure) | retry_if_result(undecided),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(_WAIT_SECONDS),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
