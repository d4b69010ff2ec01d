"""Send requests from a Linux pod: a short-lived, hardened pod sends them all and prints the answers.

The script uses only wget and nslookup of the standard busybox image. The pod is always deleted.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import OperatorError
from .probe import BODY_CHARACTERS, Answer, Failure, Request, failure_of

IMAGE = "docker.io/library/busybox:1.37"
NOBODY = 65534
SCRATCH = "/probe"
GET, NAME = "get", "name"

# Arguments come in pairs, an action and its target; no argument is interpreted as shell code. The time limit
# is timeout's, because wget -T crashes Debian's build of busybox.
SCRIPT = """
number=0
while [ $# -gt 0 ]; do
  echo "--- request $number"
  case $1 in
    get) timeout "$TIMEOUT" wget -S -O "$SCRATCH"/body "$2" 2>&1 ;;
    name) timeout "$TIMEOUT" nslookup -type=a "$2" 2>&1 ;;
  esac
  code=$?
  [ "$code" -eq 143 ] && echo "timed out"
  echo "--- body"
  head -c 1200 "$SCRATCH"/body 2>/dev/null
  rm -f "$SCRATCH"/body
  echo
  echo "--- exit $code"
  number=$((number + 1))
  shift 2
done
"""


class Pods(Protocol):
    """The call of the Kubernetes API that runs one pod to its end."""

    def run_to_end(self, manifest: dict[str, Any], seconds: float) -> str:
        """Create the pod, wait for its end and return its log; always delete the pod."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FromLinuxPod:
    """Sends requests from a pod on one Linux node."""

    pods: Pods
    namespace: str
    node: str
    timeout_seconds: int = 8

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        manifest = pod_manifest(self.namespace, self.node, requests, self.timeout_seconds)
        # The image may have to be pulled first.
        log = self.pods.run_to_end(manifest, 120 + self.timeout_seconds * 2 * len(requests))
        answers = parse_log(log, requests)
        if len(answers) != len(requests):
            raise OperatorError(
                f"the probe pod on {self.node} answered {len(answers)} of {len(requests)} requests; its log "
                f"ends: {log[-300:]!r}"
            )
        return answers


def pod_manifest(
    namespace: str, node: str, requests: Sequence[Request], timeout_seconds: int
) -> dict[str, Any]:
    """Return the manifest of the probe pod.

    It has no root, no privilege and no API token, and can write to an empty directory only; the "restricted"
    Pod Security Standard admits it.
    """
    arguments = [part for request in requests for part in (NAME if request.dns else GET, request.target)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"microcosm-smoke-{secrets.token_hex(4)}",
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": "microcosm-smoke",
                "app.kubernetes.io/managed-by": "microcosm",
            },
        },
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": node},
            # The node is fixed, so the pod tolerates every taint of its pool.
            "tolerations": [{"operator": "Exists"}],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "activeDeadlineSeconds": 600,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": NOBODY, "runAsGroup": NOBODY, "fsGroup": NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": IMAGE,
                    "command": ["/bin/sh", "-c", SCRIPT, "probe", *arguments],
                    "env": [
                        {"name": "TIMEOUT", "value": str(timeout_seconds)},
                        {"name": "SCRATCH", "value": SCRATCH},
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "16Mi"},
                        "limits": {"cpu": "100m", "memory": "32Mi"},
                    },
                    "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
                }
            ],
            "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "4Mi"}}],
        },
    }  # fmt: skip


SECTION = re.compile(
    r"--- request \d+\n(?P<said>.*?)--- body\n(?P<body>.*?)\n?--- exit (?P<code>\d+)", re.DOTALL
)
STATUS = re.compile(r"HTTP/\S+ (\d{3})")
ADDRESSES = re.compile(r"^Name:.*?(?=^Name:|\Z)", re.DOTALL | re.MULTILINE)


def parse_log(log: str, requests: Sequence[Request]) -> list[Answer]:
    """Parse the script's output: one answer for each complete section."""
    sections = SECTION.finditer(log)
    return [
        _named(match) if request.dns else _got(match)
        for request, match in zip(requests, sections, strict=False)
    ]


def _got(match: re.Match[str]) -> Answer:
    said, body = match["said"].strip(), match["body"][:BODY_CHARACTERS].strip()
    statuses = STATUS.findall(said)
    if statuses:
        return Answer(status=int(statuses[-1]), body=body)
    return Answer(failure=failure_of(said), detail=said.splitlines()[-1] if said else "")


def _named(match: re.Match[str]) -> Answer:
    """Return the addresses of a name; nslookup prints the server's own address before any "Name:"."""
    said = match["said"]
    found = [
        line.split(":", 1)[1].strip()
        for block in ADDRESSES.findall(said)
        for line in block.splitlines()
        if line.startswith("Address")
    ]
    if match["code"] == "0" and found:
        return Answer(body=" ".join(found))
    lines = [line for line in said.strip().splitlines() if line.strip()]
    failure = failure_of(said)
    return Answer(
        failure=Failure.NO_NAME if failure is Failure.OTHER else failure, detail=lines[-1] if lines else ""
    )
