"""Reading the cluster's Kubernetes API by its kubeconfig, in plain HTTPS: importing the `kubernetes` package takes a second."""

import base64
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
    context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
    # The ssl module takes a certificate from a file alone; this one is readable by its owner only, and gone at once.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_text(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
        context.load_cert_chain(path)

    def read(path: str) -> Json:
        url = f"{cluster['server']}{path}"
        with urllib.request.urlopen(url, timeout=REQUEST_SECONDS, context=context) as answer:  # noqa: S310 - https
            return json.loads(answer.read())

    return read


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
