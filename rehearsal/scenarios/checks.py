"""The checks of a rehearsal, each against the real parts themselves and not against what Pulumi
believes.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests

from infra import join_parameters
from infra.config import naming
from infra.node import report

from ..fake_aws import inventory
from ..session import STACK, Session


class CheckFailed(Exception):
    """Something is not as it should be; the message says what was seen."""


def listing(session: Session) -> inventory.Inventory:
    """Everything that the fake cloud holds now."""
    return inventory.list_everything(session.boto3, session.endpoint)


def in_machine(session: Session, node: str, *command: str) -> str:
    """Run a command in a machine of the room."""
    room = [
        sys.executable,
        "-m",
        "rehearsal.hosts",
        "exec",
        "--state",
        str(session.state),
        node,
        "--",
        *command,
    ]
    done = subprocess.run(room, text=True, capture_output=True, env=session.environment)
    if done.returncode:
        raise CheckFailed(
            f"`{' '.join(command)}` on {node} failed with {done.returncode}: {done.stdout}{done.stderr}"
        )
    return done.stdout


def nodes_are_ready(session: Session) -> list[str]:
    """The names of all nodes, each of which is Ready."""
    nodes = json.loads(session.output("kubectl", "get", "nodes", "--output", "json"))["items"]
    ready = {node["metadata"]["name"]: _condition(node, "Ready") for node in nodes}
    if not_ready := [f"{name}: {state}" for name, state in ready.items() if state != "True"]:
        raise CheckFailed(f"nodes that are not Ready: {'; '.join(not_ready)}")
    return sorted(ready)


def _condition(node: Mapping[str, Any], kind: str) -> str:
    return next(
        (c["status"] for c in node["status"].get("conditions", []) if c["type"] == kind), "no such condition"
    )


def seconds_until_ready(session: Session, started: float) -> float:
    """From `started` (Unix time) until the last machine reported that its node is Ready."""
    path = naming.Names(stack=STACK).parameter(join_parameters.STATUS)
    pages = session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
    reports = report.parameters(path, pages.search("Parameters[]")).values()
    ends = [each.times(report.READY).end for each in reports if each]
    return max(end for end in ends if end) - started


# One question over UDP, asked once. It prints the answer's code (0: no error) and the number of its
# addresses.
_DNS_QUESTION = """
import socket, struct, sys
name = "kubernetes.default.svc.cluster.local"
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
question = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack("!2H", 1, 1)
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.sendto(question, (sys.argv[1], 53))
answer = asking.recv(512)
print(answer[3] & 15, struct.unpack("!H", answer[6:8])[0])
"""


def dns_answers(session: Session) -> str:
    """Ask cluster DNS once from every Linux machine; CheckFailed when one gets no address.

    No second try: `up` has ended.
    """
    service = json.loads(
        session.output("kubectl", "get", "service", "kube-dns", "--namespace=kube-system", "--output=json")
    )
    nodes = _linux(nodes_are_ready(session))
    for node in nodes:
        answer = in_machine(
            session, node, "python3", "-c", _DNS_QUESTION, service["spec"]["clusterIP"]
        ).split()
        if answer != ["0", "1"]:
            raise CheckFailed(f"cluster DNS answers {node} with code {answer[0]} and {answer[1]} addresses")
    return f"cluster DNS answers {', '.join(nodes)}"


def _linux(nodes: Iterable[str]) -> list[str]:
    return [name for name in nodes if not name.startswith("windows")]


# The error of flannel's CNI plugin without a lease: the official plugin (flannel-io/cni-plugin v1.9.1,
# flannel.go) and ours (tools/flannel-cni) name the file.
NO_LEASE = "/run/flannel/subnet.env: no such file"


def every_pod_met_a_lease(session: Session) -> str:
    """Read the kubelets' logs; CheckFailed when a pod's sandbox failed because flanneld had no lease yet."""
    nodes = _linux(nodes_are_ready(session))
    for node in nodes:
        log = in_machine(session, node, "journalctl", "--unit=kubelet", "--output=cat", "--no-pager")
        if "kubelet" not in log:
            raise CheckFailed(
                f"the journal of {node} has no line of kubelet: that no pod failed proves nothing"
            )
        if failed := [line for line in log.splitlines() if NO_LEASE in line]:
            raise CheckFailed(
                f"{len(failed)} times a pod on {node} began before flanneld had its lease: {failed[0][:500]}"
            )
    return f"the kubelets of {', '.join(nodes)} started no pod before flanneld had its lease"


def cloud_init_status(session: Session, node: str) -> str:
    """Check cloud-init's word on user-data that failed: an error, with a non-zero exit."""
    room = [
        sys.executable,
        "-m",
        "rehearsal.hosts",
        "exec",
        "--state",
        str(session.state),
        node,
        "--",
        "cloud-init",
        "status",
        "--wait",
    ]
    done = subprocess.run(room, text=True, capture_output=True, env=session.environment)
    if done.returncode == 0 or "error" not in done.stdout:
        raise CheckFailed(
            f"cloud-init on {node} should have failed, but says {done.stdout!r} and exits with "
            f"{done.returncode}"
        )
    return f"{done.stdout.strip()}, exit code {done.returncode}"


def nothing_left(session: Session, before: inventory.Inventory, say: Callable[[str], None]) -> str:
    """Compares the fake cloud with what it held before the stack, without asking Pulumi."""
    after = listing(session)
    difference = inventory.difference(before, after)
    say(f"  before: {_counts(before)}\n  after:  {_counts(after)}")
    if difference:
        raise CheckFailed(
            f"not as before: left {', '.join(map(str, difference.added))}; gone "
            f"{', '.join(map(str, difference.removed))}"
        )
    return "0 resources left"


def _counts(found: inventory.Inventory) -> str:
    return (
        ", ".join(f"{len(resources)} {kind}" for kind, resources in sorted(found.items()) if resources)
        or "nothing"
    )


def operator(session: Session, *arguments: str) -> str:
    """Return what the operator's own command prints; CheckFailed shows it when it does not exit with 0."""
    command = [sys.executable, "-m", "microcosm", *arguments, "--stack", STACK, "--region", session.region]
    done = subprocess.run(
        command, cwd=session.project, env=session.environment, text=True, capture_output=True
    )
    if done.returncode:
        raise CheckFailed(
            f"`microcosm {' '.join(arguments)}` exited with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def page_authorizes(page_url: str) -> str:
    """Fetches the page and an authorization through it, as a browser does: nginx on Linux, CCAuth's C# on
    the Windows stand-in.
    """
    page = requests.get(page_url, timeout=10)
    answer = requests.get(
        f"{page_url}/api/authorize", params={"ccNum": "4111111111111111", "amount": "10.00"}, timeout=10
    )
    if (
        page.status_code != 200
        or "<html" not in page.text
        or not re.fullmatch(r'"Auth Code: [0-9]{4}"', answer.text)
    ):
        raise CheckFailed(
            f"the page {page_url} answers {page.status_code}, and an authorization {answer.status_code} "
            f"{answer.text[:200]}"
        )
    return (
        f"{answer.text} from {answer.headers.get('X-CCAuth-Node', 'an unnamed node')} "
        f"({answer.headers.get('X-CCAuth-OS', 'unknown')})"
    )
