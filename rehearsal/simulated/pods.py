"""Report every scheduled pod as running and ready, for all nodes at once; nothing runs."""

import itertools
import threading
import time
from datetime import UTC, datetime
from ipaddress import IPv4Address

from rehearsal.windows_node.api import Api, ApiError, ApiFailure, Json
from rehearsal.windows_node.pod_status import Container, Running, status

PODS = "/api/v1/pods"
# Addresses that no machine has. A Service counts only pods with an address.
FIRST_ADDRESS = IPv4Address("10.244.0.2")
PAUSE_SECONDS = 0.5


class SimulatedPods:
    """Follows the pods of the API until the process or the API ends."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._addresses = (str(FIRST_ADDRESS + number) for number in itertools.count())
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._keep, name="simulated pods", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _keep(self) -> None:
        while not self._ended.is_set():
            try:
                self._list_and_watch()
            except ApiFailure:
                # The API is stopping, or its history went with a cluster; the next list shows the present
                # state.
                time.sleep(PAUSE_SECONDS)

    def _list_and_watch(self) -> None:
        listing = self._api.get(PODS)
        for pod in listing["items"]:
            self._update(pod)
        for kind, pod in self._api.watch(PODS, resourceVersion=listing["metadata"]["resourceVersion"]):
            if self._ended.is_set():
                return
            if kind != "DELETED":
                self._update(pod)

    def _update(self, pod: Json) -> None:
        if not pod["spec"].get("nodeName"):
            return
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        try:
            if "deletionTimestamp" in pod["metadata"]:
                self._api.delete(path, {"gracePeriodSeconds": 0})
            elif pod.get("status", {}).get("phase") != "Running":
                self._api.patch(f"{path}/status", {"status": self._running(pod)})
        except ApiError as error:
            # The pod is gone in the meantime.
            if error.status not in (404, 409):
                raise

    def _running(self, pod: Json) -> Json:
        now = datetime.now(UTC)
        container = Container(
            state=Running(started_at=now), started=True, ready=True, container_id="stand-in://none"
        )
        address = next(self._addresses)
        return status(pod, container, before={}, host_ip=address, pod_ip=address, created=now, now=now)
