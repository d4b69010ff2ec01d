"""Manifests for an image of this command:

Deployment, Service and a Secret, such that no Windows rule has anything to say.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import yaml

from infra import lint

from ..errors import UsageError
from . import bases, image_facts
from .kinds import Kind
from .oci import Image

# The first request compiles, which takes up to three minutes on a small node (sysdig/charts issue 2592).
_STARTUP = {"periodSeconds": 5, "failureThreshold": 60, "timeoutSeconds": 30, "initialDelaySeconds": 10}
_LIVENESS = {"periodSeconds": 20, "failureThreshold": 6, "timeoutSeconds": 10}
_READINESS = {"periodSeconds": 5, "failureThreshold": 3, "timeoutSeconds": 5}


def documents(
    name: str, reference: str, found: Sequence[Image], replicas: int | None, namespace: str | None
) -> list[dict[str, Any]]:
    """Return the objects; `reference` names the image with its digest."""
    facts = image_facts.of(found[0])
    if facts is None:
        raise UsageError(
            f"{reference}: not made by `microcosm image build`, so nothing is known of its service; write "
            f"its manifests by hand"
        )
    releases = sorted({release for one in found if (release := bases.release_of(one.build))})
    objects = [_secret(name, facts), _deployment(name, reference, facts, releases, replicas)]
    if facts["ports"]:
        ports = [{"name": _port(port), "port": port, "targetPort": port} for port in facts["ports"]]
        objects.append(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"selector": {"app": name}, "ports": ports},
            }
        )
    if namespace:
        for one in objects:
            one["metadata"]["namespace"] = namespace
    return objects


def text(objects: Sequence[dict[str, Any]], facts: dict[str, Any]) -> str:
    """Return the YAML, with the reasons for what it leaves to the user."""
    lines = ["# Fill in the Secret: an empty value leaves the setting of the file as it is."]
    if facts.get("inProcessSession"):
        lines.append(
            "# replicas: 1, since sessions are kept in the process: with two, each second request finds none."
        )
    return "\n".join(lines) + "\n" + yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True)


def findings(objects: Sequence[dict[str, Any]], build: str | None) -> list[lint.Finding]:
    return lint.check(objects, windows_build=build)


def _secret(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    data = dict.fromkeys(facts["variables"], "")
    if Kind(facts["kind"]).is_site and not facts["fixedKey"]:
        # 64 bytes for HMACSHA256 and 32 for AES, as IIS Manager generates them.
        data |= {
            "MACHINEKEY_VALIDATION": secrets.token_hex(64).upper(),
            "MACHINEKEY_DECRYPTION": secrets.token_hex(32).upper(),
        }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        "stringData": data,
    }


def _deployment(
    name: str, reference: str, facts: dict[str, Any], releases: list[str], replicas: int | None
) -> dict[str, Any]:
    selector = {"kubernetes.io/os": "windows"}
    if len(releases) == 1:
        selector["node.kubernetes.io/windows-build"] = bases.build(releases[0])
    pod = {
        "os": {"name": "windows"},
        "nodeSelector": selector,
        "tolerations": [{"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"}],
        # ServiceMonitor hands each variable to IIS, and a command line has an end:
        # microsoft/IIS.ServiceMonitor issue 76.
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "containers": [_container(name, reference, facts)],
    }
    many = (
        replicas
        if replicas is not None
        else 1
        if facts["inProcessSession"] or facts["kind"] == Kind.CONSOLE
        else 2
    )
    spec = {
        "replicas": many,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _container(name: str, reference: str, facts: dict[str, Any]) -> dict[str, Any]:
    memory = "1Gi" if Kind(facts["kind"]).is_site else "512Mi"
    container: dict[str, Any] = {
        "name": name,
        "image": reference,
        "envFrom": [{"secretRef": {"name": name}}],
        # Windows keeps what is asked for: a request below the limit only promises what is not there.
        "resources": {
            "requests": {"cpu": "250m", "memory": memory},
            "limits": {"cpu": "1", "memory": memory},
        },
        # The endpoint is gone everywhere before the service hears of its end, which is not sooner than five
        # seconds later.
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
    }
    if facts["ports"]:
        container["ports"] = [{"name": _port(port), "containerPort": port} for port in facts["ports"]]
    for name, times in (
        ("startupProbe", _STARTUP),
        ("readinessProbe", _READINESS),
        ("livenessProbe", _LIVENESS),
    ):
        # A new object each time: YAML would write the second one as a reference to the first.
        probe = _probe(facts)
        if probe:
            container[name] = {**probe, **times}
    return container


def _probe(facts: dict[str, Any]) -> dict[str, Any] | None:
    if facts["health"] and facts["ports"]:
        return {"httpGet": {"path": facts["health"], "port": facts["ports"][0]}}
    return {"tcpSocket": {"port": facts["ports"][0]}} if facts["ports"] else None


def _port(number: int) -> str:
    return {80: "http", 443: "https", 808: "net-tcp"}.get(number, f"port-{number}")
