"""Report the machine's status: one JSON document per node, written at each phase, best effort."""

import json
import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from rehearsal.windows_node.errors import StandinError

log = logging.getLogger(__name__)

# The phases of a Windows node in order, and what the stand-in does in each.
PHASES = {
    "feature": "the node's script downloaded and checked, not run: only Windows has the Containers feature",
    "reboot": "not run: there is no Windows to restart",
    "download": "not run: the node's files are Windows programs",
    "containerd": "not run: Windows containers need Windows",
    "prepare-node": "not run: there is no service for a hollow kubelet",
    "join": "TLS bootstrap with the join document",
    "flannel": "the Linux flanneld, with the VXLAN that Windows has",
    "kube-proxy": "not run: kube-proxy on Windows programs HNS",
    "ready": "a hollow kubelet holds the node",
}
_DETAIL_CHARACTERS = 500


class Progress:
    """The phases of one boot; every change is passed to `publish`."""

    def __init__(
        self,
        *,
        instance: str,
        node: str,
        publish: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._head = {"instance": instance, "node": node}
        self._publish = publish
        self._clock = clock
        self._phases: dict[str, dict[str, int | None]] = {}

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Run the block as a phase; its failure is published with the error's text."""
        times = self._phases[name] = {"start": int(self._clock()), "end": None}
        self._write(name, "running", PHASES[name])
        try:
            yield
        except Exception as error:
            self._write(name, "failed", str(error))
            raise
        finally:
            times["end"] = int(self._clock())

    def skip(self, name: str) -> None:
        """Report a phase that only Windows has; its detail says that it did not run."""
        with self.phase(name):
            pass

    def done(self) -> None:
        """Report that the whole boot has succeeded."""
        self._write(next(reversed(self._phases)), "ok", "this node is no Windows machine")

    def _write(self, name: str, result: str, detail: str) -> None:
        line = " ".join(f"stand-in: {detail}".split())[:_DETAIL_CHARACTERS]
        log.info("phase %s %s: %s", name, result, line)
        document: dict[str, Any] = self._head | {
            "phase": name,
            "result": result,
            "detail": line,
            "phases": self._phases,
        }
        try:
            self._publish(json.dumps(document))
        except (StandinError, OSError) as error:
            log.warning("status of phase %s not published: %s", name, error)
