"""Run a worker for each pod that is bound to the node, following the API by list and watch."""

import logging
import time
from pathlib import Path

from rehearsal.windows_node.api import ApiFailure, Json
from rehearsal.windows_node.threads import spawn
from rehearsal.windows_node.worker import Node, PodWorker

log = logging.getLogger(__name__)

_PODS = "/api/v1/pods"
_PAUSE_SECONDS = 1.0
_FINAL = ("Succeeded", "Failed")


class Pods:
    """Lists, then watches; lists again after a broken watch."""

    def __init__(self, node: Node, node_name: str) -> None:
        self._node = node
        # The node authorizer allows a node no list without this selector.
        self._selector = f"spec.nodeName={node_name}"
        self._workers: dict[str, PodWorker] = {}

    def keep(self) -> None:
        """Follow the API until the process ends."""
        while True:
            try:
                self._list_and_watch()
            except ApiFailure as error:
                log.warning("pods: %s", error)
            # Pause after an orderly end too: an API server that stops ends each watch at once.
            time.sleep(_PAUSE_SECONDS)

    def log_file(self, namespace: str, name: str) -> Path | None:
        """Return the log file of a pod's container."""
        wanted = (namespace, name)
        metadata = ((worker, worker.pod["metadata"]) for worker in list(self._workers.values()))
        return next(
            (worker.log_file for worker, pod in metadata if (pod["namespace"], pod["name"]) == wanted), None
        )

    def end_all(self, grace_seconds: float) -> None:
        """Stop every container at the same time, because the node goes away."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.end(grace_seconds)
        for worker in workers:
            worker.ended.wait(grace_seconds + 1)

    def _list_and_watch(self) -> None:
        listing = self._node.api.get(_PODS, fieldSelector=self._selector)
        pods = {pod["metadata"]["uid"]: pod for pod in listing["items"]}
        for uid in self._workers.keys() - pods.keys():
            self._gone(uid)
        for pod in pods.values():
            self._present(pod)
        version = listing["metadata"]["resourceVersion"]
        for kind, pod in self._node.api.watch(_PODS, fieldSelector=self._selector, resourceVersion=version):
            if kind == "DELETED":
                self._gone(pod["metadata"]["uid"])
            else:
                self._present(pod)

    def _present(self, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        if uid not in self._workers:
            if pod.get("status", {}).get("phase") in _FINAL:
                return
            self._workers[uid] = PodWorker(self._node, pod)
            spawn(f"pod {pod['metadata']['name']}", self._workers[uid].run)
        self._workers[uid].update(pod)

    def _gone(self, uid: str) -> None:
        """Remove the pod, which was deleted by force or by the node itself."""
        worker = self._workers.pop(uid, None)
        if worker is not None:
            worker.end(0)
