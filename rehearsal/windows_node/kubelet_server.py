"""Serve kubelet's HTTPS port for `kubectl logs`, to the API server's client certificate alone."""

import logging
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal.files import write_atomically
from rehearsal.windows_node.bootstrap import private_pem
from rehearsal.windows_node.node import KUBELET_PORT

log = logging.getLogger(__name__)

# The name of the API server's client certificate in kubeadm clusters. A real kubelet would ask the API for
# its permissions.
_API_SERVER = "kube-apiserver-kubelet-client"
_FOLLOW_SECONDS = 0.5

LogFile = Callable[[str, str], Path | None]


class KubeletServer:
    """Serves /containerLogs/<namespace>/<pod>/<container>; `log_file` returns a pod's log."""

    def __init__(
        self, *, node: str, ip: str, ca_pem: str, directory: Path, log_file: LogFile, port: int = KUBELET_PORT
    ) -> None:
        pem = directory / "kubelet-serving.pem"
        write_atomically(pem, self_signed(node, ip), mode=0o600)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.load_verify_locations(cadata=ca_pem)
        context.verify_mode = ssl.CERT_REQUIRED
        self._server = ThreadingHTTPServer((ip, port), handler(log_file))
        self._server.daemon_threads = True
        # The handshake runs in the connection's thread: in accept() one silent client would block all others.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def port(self) -> int:
        return self._server.server_port

    def keep(self) -> None:
        """Serve until the process ends."""
        self._server.serve_forever()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def self_signed(node: str, ip: str) -> bytes:
    """Create the serving certificate that a kubelet signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{node}@stand-in")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(node), x509.IPAddress(IPv4Address(ip))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
    certificate = (
        builder.not_valid_after(now + timedelta(days=365))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private_pem(key)


def handler(log_file: LogFile) -> type[BaseHTTPRequestHandler]:
    """Return a request handler for one node's logs."""

    class Logs(BaseHTTPRequestHandler):
        """Answers GET /containerLogs/NAMESPACE/POD/CONTAINER with kubectl's tailLines and follow."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            match url.path.strip("/").split("/"):
                case ["containerLogs", namespace, pod, _] if self._is_api_server():
                    find = partial(log_file, namespace, pod)
                    self._answer(find, parse_qs(url.query))
                case _:
                    self.send_error(403, "only container logs, and only to the API server")

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

        def _is_api_server(self) -> bool:
            connection = self.connection
            return (
                isinstance(connection, ssl.SSLSocket) and common_name(connection.getpeercert()) == _API_SERVER
            )

        def _answer(self, find: Callable[[], Path | None], query: dict[str, list[str]]) -> None:
            path = find()
            if path is None or not path.exists():
                self.send_error(404, "the stand-in runs no such container")
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            with path.open("rb") as file:
                self.wfile.write(last_lines(file.read(), query.get("tailLines", [""])[0]))
                while query.get("follow") == ["true"] and find() == path:
                    time.sleep(_FOLLOW_SECONDS)
                    self.wfile.write(file.read())
                    self.wfile.flush()

    return Logs


def last_lines(text: bytes, count: str) -> bytes:
    """Return as many last lines as `count` says (kubectl's --tail); all lines for an empty count."""
    if not count:
        return text
    lines = text.splitlines(keepends=True)
    return b"".join(lines[max(0, len(lines) - int(count)) :])


def common_name(certificate: Any) -> str | None:
    """Return the subject's common name from the result of SSLSocket.getpeercert()."""
    pairs = [pair for group in (certificate or {}).get("subject", ()) for pair in group]
    return dict(pairs).get("commonName")
