"""Run a pod's container: its process, its log and its probes."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.windows_node import probes, shell
from rehearsal.windows_node.api import Json
from rehearsal.windows_node.pod_status import Terminated
from rehearsal.windows_node.program import Program
from rehearsal.windows_node.threads import spawn

_TICK_SECONDS = 0.5
# The environment of the image. The stand-in's environment must not reach the program: it holds credentials.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ContainerRun:
    """A running container, started on construction.

    `unhealthy` gets each kind of probe that starts to fail, and why.
    """

    def __init__(
        self,
        spec: Json,
        prepared: Program,
        *,
        address: str,
        container_id: str,
        log_file: Path,
        unhealthy: Callable[[str, str], None],
    ) -> None:
        self.container_id = container_id
        self.image_id = prepared.image_id
        self.started_at = datetime.now(UTC)
        self._address = address
        self._probing = probes.Probing(probes.probes_of(spec), started=time.monotonic())
        environment = {"PATH": _PATH, "HOME": str(log_file.parent)} | prepared.environment
        with log_file.open("wb") as output:
            self._process = shell.start(prepared.command, output, environment)
        self._unhealthy = unhealthy
        self._over = threading.Event()
        # In its own thread: a probe may last until its timeout, and a deletion must not wait for it.
        spawn(f"probes {container_id}", self._probe)

    @property
    def started(self) -> bool:
        return self._probing.started

    @property
    def ready(self) -> bool:
        return self._probing.ready

    @property
    def must_restart(self) -> str | None:
        """Return the kind of probe for which kubelet restarts the container."""
        return self._probing.must_restart

    def ended(self) -> Terminated | None:
        """Return how the run has ended; None while it lasts."""
        return None if self._process.poll() is None else self._terminated()

    def end(self, grace_seconds: float) -> Terminated:
        """Stop the container as a runtime does; after this no probe is sent."""
        self._over.set()
        shell.end(self._process, grace_seconds)
        return self._terminated()

    def _probe(self) -> None:
        while not self._over.wait(_TICK_SECONDS):
            for kind, series in self._probing.due(time.monotonic()):
                success, problem = probes.send(series.probe, self._address)
                if series.observe(success, time.monotonic()) and not self._over.is_set():
                    self._unhealthy(kind, problem)

    def _terminated(self) -> Terminated:
        self._over.set()
        return Terminated(
            exit_code=shell.exit_code(self._process),
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            container_id=self.container_id,
        )
