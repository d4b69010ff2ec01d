"""A running Kubernetes API: its addresses, its kubeconfig, and its etcd, which a new cluster finds empty."""

import base64
import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.windows_node.api import Access, Api

# The servers write these all the time, for no particular cluster.
SERVERS_OWN = ("/registry/leases/", "/registry/masterleases/", "/registry/events/")
# The bitmap of allocated node ports, which does not change when a Service is deleted in etcd.
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
        """Return the administrator's kubeconfig, as kubeadm writes it."""
        user = {
            "client-certificate-data": _base64(self.admin_certificate),
            "client-key-data": _base64(self.admin_key),
        }
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "simulated",
                        "cluster": {
                            "server": self.server,
                            "certificate-authority-data": _base64(self.authority),
                        },
                    }
                ],
                "users": [{"name": "kubernetes-admin", "user": user}],
                "contexts": [
                    {
                        "name": "admin@simulated",
                        "context": {"cluster": "simulated", "user": "kubernetes-admin"},
                    }
                ],
                "current-context": "admin@simulated",
            }
        )

    def client(self) -> Api:
        return Api(Access(server=self.server, ca_pem=self.authority, client_pem=self.folder / "admin.pem"))

    def remember(self) -> None:
        """Save the present keys as those of a new cluster."""
        self._pristine.update(self._content())

    def reset(self) -> None:
        """Delete all keys that came after `remember`, and restore the node ports."""
        for key in self._content().keys() - self._pristine.keys():
            if not key.startswith(SERVERS_OWN):
                self._etcd("deleterange", key=_base64(key))
        for key in RANGES & self._pristine.keys():
            self._etcd("put", key=_base64(key), value=self._pristine[key])

    def _content(self) -> dict[str, str]:
        """Return every key with its value in base64."""
        found = self._etcd("range", key=_base64("/registry/"), range_end=_base64("/registry0"))
        return {
            base64.b64decode(item["key"]).decode(): item.get("value", "") for item in found.get("kvs", ())
        }

    def _etcd(self, verb: str, **body: Any) -> dict[str, Any]:
        """Call etcd's HTTP gateway to its gRPC API."""
        url, kind = f"{self.etcd}/v3/kv/{verb}", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), kind)  # noqa: S310 - our own etcd
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own etcd
            return json.loads(answer.read())


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
