"""Call the Kubernetes API through the official client; results are plain JSON."""

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from ..aws.session import Session
from ..errors import OperatorError, UsageError
from ..kubeconfig import document as kubeconfig
from ..pulumi_cli.target import Target

REQUEST_SECONDS = 20
ENDED = ("Succeeded", "Failed")


def read_kubeconfig(path: Path) -> dict[str, Any]:
    """Read a kubeconfig file."""
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(
            f"--kubeconfig {path} cannot be read ({type(problem).__name__}): name an existing kubeconfig file"
        ) from problem
    return kubeconfig.check(document, f"--kubeconfig {path}")


def published_kubeconfig(session: Session, target: Target) -> dict[str, Any]:
    """Fetch the kubeconfig that the running control plane has published."""
    return kubeconfig.fetch(session, target)


def connect(document: Mapping[str, Any]) -> "Kube":
    """Open the cluster of a kubeconfig's current context."""
    try:
        api: Any = config.new_client_from_config_dict(dict(document))
    except config.ConfigException as problem:
        raise UsageError(f"the kubeconfig cannot be used: {problem}") from problem
    return Kube(client.CoreV1Api(api), client.DiscoveryV1Api(api), api.sanitize_for_serialization)


class Kube:
    """One cluster, through the client's API objects; `plain` turns their results into JSON."""

    def __init__(self, core: Any, discovery: Any, plain: Callable[[Any], Any]) -> None:
        self._core = core
        self._discovery = discovery
        self._plain = plain

    def nodes(self) -> Sequence[Mapping[str, Any]]:
        return self._items(self._core.list_node)

    def pods(self, namespace: str) -> Sequence[Mapping[str, Any]]:
        return self._items(self._core.list_namespaced_pod, namespace)

    def services(self, namespace: str) -> Sequence[Mapping[str, Any]]:
        return self._items(self._core.list_namespaced_service, namespace)

    def endpoint_slices(self, namespace: str) -> Sequence[Mapping[str, Any]]:
        return self._items(self._discovery.list_namespaced_endpoint_slice, namespace)

    def _items(self, call: Callable[..., Any], *arguments: str) -> Sequence[Mapping[str, Any]]:
        return cast(
            Sequence[Mapping[str, Any]], self._plain(call(*arguments, _request_timeout=REQUEST_SECONDS).items)
        )

    def run_to_end(self, manifest: dict[str, Any], seconds: float) -> str:
        """Create a pod, wait for its end and return its log; always delete the pod, also after Ctrl-C."""
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        try:
            self._core.create_namespaced_pod(namespace, manifest, _request_timeout=REQUEST_SECONDS)
        except ApiException as refusal:
            raise OperatorError(f"the probe pod cannot be created: {_message(refusal)}") from refusal
        try:
            self._wait(name, namespace, seconds)
            return str(
                self._core.read_namespaced_pod_log(name, namespace, _request_timeout=REQUEST_SECONDS) or ""
            )
        finally:
            with contextlib.suppress(ApiException):
                self._core.delete_namespaced_pod(
                    name, namespace, grace_period_seconds=0, _request_timeout=REQUEST_SECONDS
                )

    def _wait(self, name: str, namespace: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            pod = self._plain(
                self._core.read_namespaced_pod(name, namespace, _request_timeout=REQUEST_SECONDS)
            )
            if pod["status"]["phase"] in ENDED:
                return
            if time.monotonic() >= deadline:
                raise OperatorError(f"the probe pod {name} did not end within {seconds:.0f} s: {_state(pod)}")
            time.sleep(0.5)

    def exec_in_pod(self, namespace: str, pod: str, command: Sequence[str], seconds: float) -> str:
        """Run a program in a pod's first container and return its output."""
        streams = {"stdout": True, "stderr": True, "stdin": False, "tty": False}
        call = self._core.connect_get_namespaced_pod_exec
        try:
            return str(stream(call, pod, namespace, command=[*command], **streams, _request_timeout=seconds))
        except ApiException as refusal:
            raise OperatorError(f"exec in pod {pod} failed: {_message(refusal)}") from refusal


def _message(refusal: ApiException) -> str:
    """Return the API server's message, which its answer holds as JSON, else the status."""
    try:
        return str(json.loads(refusal.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(refusal.reason or refusal.status).splitlines()[0]


def _state(pod: Mapping[str, Any]) -> str:
    """Describe why a pod has not ended, in the words of Kubernetes."""
    status = pod["status"]
    waiting = [
        (entry["state"].get("waiting") or {}).get("reason") for entry in status.get("containerStatuses") or ()
    ]
    unmet = [entry.get("message") for entry in status.get("conditions") or () if entry["status"] != "True"]
    return str(next((text for text in (*waiting, *unmet) if text), status["phase"]))
