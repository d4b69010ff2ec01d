"""Reading the cluster's Kubernetes API by its kubeconfig, in plain HTTPS: importing the `kubernetes`
package takes a second.
"""

import base64
import http.client
import json
import ssl
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

Json = Mapping[str, Any]
# Reads the object or list at a path of the API; OSError when the API does not answer, or refuses.
Read = Callable[[str], Json]

REQUEST_SECONDS = 5


def reader(kubeconfig: str) -> Read:
    """Make a function that reads the API of a kubeconfig with its client certificate."""
    document = yaml.safe_load(kubeconfig)
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    context = _trust(cluster)
    # The ssl module takes a certificate from a file alone; this one is readable by its owner only, and gone
    # at once.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_text(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
        context.load_cert_chain(path)

    def read(path: str) -> Json:
        with _get(cluster, path, context) as answer:
            return json.loads(answer.read())

    return read


def is_ready(kubeconfig: str) -> bool:
    """Ask the API server for /readyz. kubeadm leaves it open to everybody (system:public-info-viewer): no
    credential is sent.
    """
    cluster = yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]
    context = _trust(cluster)
    try:
        with _get(cluster, "/readyz", context) as answer:
            return answer.status == 200
    except OSError:
        return False


def _trust(cluster: Json) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))


def _get(cluster: Json, path: str, context: ssl.SSLContext) -> http.client.HTTPResponse:
    url = f"{cluster['server']}{path}"
    return urllib.request.urlopen(url, timeout=REQUEST_SECONDS, context=context)  # noqa: S310 - https


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
