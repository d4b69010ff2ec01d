"""Update one pod's object in the API: publish its status, and delete it when the pod has ended."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from rehearsal.windows_node import pod_status
from rehearsal.windows_node.api import Api, ApiError, ApiFailure, Json
from rehearsal.windows_node.pod_status import Container

log = logging.getLogger(__name__)


class PodObject:
    """The pod in the API, by its name and its uid, which stay the same for its whole life."""

    def __init__(self, api: Api, pod: Json) -> None:
        metadata = pod["metadata"]
        self._api = api
        self._name, self._uid = metadata["name"], metadata["uid"]
        self._path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{self._name}"
        self._created = datetime.now(UTC)
        self._published: Json = pod.get("status", {})

    def publish(self, pod: Json, container: Container, *, host_ip: str, pod_ip: str | None) -> bool:
        """Update the status; return False if the call failed."""
        status = pod_status.status(
            pod,
            container,
            before=self._published,
            host_ip=host_ip,
            pod_ip=pod_ip,
            created=self._created,
            now=datetime.now(UTC),
        )
        if status == self._published:
            return True
        # A strategic merge joins lists of addresses, so those of a replaced node would stay beside this
        # node's.
        lists = {
            name: [{"$patch": "replace"}, *status[name]] for name in ("hostIPs", "podIPs") if name in status
        }
        body = {"metadata": {"uid": self._uid}, "status": status | lists}
        succeeded = self._call(lambda: self._api.patch(f"{self._path}/status", body))
        if succeeded:
            self._published = status
        return succeeded

    def remove(self) -> bool:
        """Delete the object, because the pod has ended; return False if the call failed."""
        body = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": self._uid},
        }
        return self._call(lambda: self._api.delete(self._path, body))

    def _call(self, call: Callable[[], Json]) -> bool:
        """Make a call; a pod that is gone, or another one with its name, counts as success."""
        try:
            call()
        except ApiFailure as error:
            gone = isinstance(error, ApiError) and error.reason in ("NotFound", "Conflict")
            if not gone:
                log.warning("pod %s: %s", self._name, error)
            return gone
        return True
