"""Register the node and renew its lease and status, with the node's own identity."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from rehearsal.windows_node.api import Api, ApiError, ApiFailure
from rehearsal.windows_node.inputs import Registration
from rehearsal.windows_node.node import Machine, Readiness, labels, lease, node_object, status

log = logging.getLogger(__name__)

# kubelet's defaults: renew the lease every quarter of its 40 s; report the status on a change and every five
# minutes.
_LEASE_SECONDS = 10
_STATUS_EVERY = timedelta(minutes=5)
_REGISTRATION_SECONDS = 300
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class Heartbeat:
    """Registers the node and keeps it alive until the process ends."""

    def __init__(
        self,
        api: Api,
        machine: Machine,
        registration: Registration,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._api, self._machine, self._registration = api, machine, registration
        self._clock = clock or (lambda: datetime.now(UTC))
        self._readiness = Readiness(network_up=False, since=self._clock())
        self._reported: tuple[Readiness, datetime] | None = None
        self._wake = threading.Event()
        self.ready = threading.Event()

    @retry(
        retry=retry_if_exception_type(ApiFailure),
        wait=wait_fixed(2),
        stop=stop_after_delay(_REGISTRATION_SECONDS),
        reraise=True,
    )
    def register(self) -> None:
        """Create the Node, or take over the Node of an earlier machine with this name."""
        try:
            self._api.create("/api/v1/nodes", node_object(self._machine, self._registration, self._readiness))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            self._api.patch(self._path, {"metadata": {"labels": labels(self._machine, self._registration)}})
        log.info("registered as %s", self._registration.name)

    def network_is_up(self) -> None:
        """Let the node become Ready, because the pod network works."""
        self._readiness = Readiness(network_up=True, since=self._clock())
        self._wake.set()

    def keep(self) -> None:
        """Renew the lease and report the status until the process ends."""
        while True:
            try:
                self.beat()
            except ApiFailure as error:
                log.warning("heartbeat: %s", error)
            self._wake.wait(_LEASE_SECONDS)
            self._wake.clear()

    def beat(self) -> None:
        """Renew the lease; report the status if it has changed or the last report is old."""
        self._renew_lease()
        self._report_status()

    @property
    def _path(self) -> str:
        return f"/api/v1/nodes/{self._registration.name}"

    def _renew_lease(self) -> None:
        body = lease(self._registration.name, now=self._clock())
        try:
            self._api.patch(f"{_LEASES}/{self._registration.name}", body)
        except ApiError as error:
            if error.status != 404:
                raise
            self._api.create(_LEASES, body)

    def _report_status(self) -> None:
        readiness, now = self._readiness, self._clock()
        if self._reported and self._reported[0] == readiness and now - self._reported[1] < _STATUS_EVERY:
            return
        self._api.patch(
            f"{self._path}/status",
            {"status": status(self._machine, self._registration.name, readiness, now=now)},
        )
        self._reported = (readiness, now)
        if readiness.network_up:
            self.ready.set()
