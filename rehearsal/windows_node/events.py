"""Record events about pods, so that `kubectl describe` shows them."""

import logging
from datetime import UTC, datetime

from rehearsal.windows_node.api import Api, ApiFailure, Json
from rehearsal.windows_node.node import timestamp

log = logging.getLogger(__name__)

NORMAL, WARNING = "Normal", "Warning"
_MESSAGE_CHARACTERS = 1024  # the limit of events.k8s.io/v1; a compiler's output may be longer


class Recorder:
    """Records events under the node's identity; a failure is only logged."""

    def __init__(self, api: Api, node: str) -> None:
        self._api, self._node = api, node

    def pod(self, pod: Json, kind: str, reason: str, message: str) -> None:
        """Record an event about a pod."""
        metadata = pod["metadata"]
        log.info("pod %s/%s: %s: %s", metadata["namespace"], metadata["name"], reason, message)
        now = timestamp(datetime.now(UTC))
        about = {"apiVersion": "v1", "kind": "Pod"} | {
            key: metadata[key] for key in ("name", "namespace", "uid")
        }
        event = {
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
            "involvedObject": about,
            "type": kind,
            "reason": reason,
            "message": message[:_MESSAGE_CHARACTERS],
            "source": {"component": "kubelet (stand-in)", "host": self._node},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._api.create(f"/api/v1/namespaces/{metadata['namespace']}/events", event)
        except ApiFailure as error:
            log.warning("event %s not recorded: %s", reason, error)
