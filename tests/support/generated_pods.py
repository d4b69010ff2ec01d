"""Generate pods in which every field that is bound to a system is set many times, from one table and one
seed.

Without these fields each object is valid, so a refusal of the API server is about one of them.
"""

import copy
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NAMESPACES = {
    "default": {},
    "baseline": {"pod-security.kubernetes.io/enforce": "baseline"},
    "restricted": {"pod-security.kubernetes.io/enforce": "restricted"},
    # Before 1.25 the level has no exemption for Windows.
    "restricted-old": {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "v1.24",
    },
}
RUNTIME_CLASSES = {
    "process": {
        "handler": "runhcs-wcow-process",
        "scheduling": {"nodeSelector": {"kubernetes.io/os": "windows"}},
    },
    "linux-only": {
        "handler": "runhcs-wcow-process",
        "scheduling": {"nodeSelector": {"kubernetes.io/os": "linux"}},
    },
}
USERS = (
    *(
        "ContainerUser",
        "NT AUTHORITY\\SYSTEM",
        "corp.example.com\\svc",
        "a b",
        "",
        "a\\b\\c",
        "a@b",
        "...",
        "x" * 104,
        "x" * 105,
    ),
    *("\\x", "D:\\x", ".d\\x", "d\\", "tab\there", "d-\\x", "x" * 16 + "\\u", "é\\ü", " \\u"),
)
SAFE, UNSAFE = [{"name": "net.ipv4.tcp_syncookies", "value": "1"}], [{"name": "kernel.sem", "value": "1"}]
LOCALHOST = {"type": "Localhost", "localhostProfile": "profiles/a.json"}
# The owner of the field (the pod, a container, the first container, the pod's metadata), its path, and its
# values.
FIELDS: dict[str, tuple[str, tuple[str, ...], tuple[Any, ...]]] = {
    **{
        f"{where}.{name}": (where, ("securityContext", name), values)
        for where in ("pod", "container")
        for name, values in {
            "seLinuxOptions": ({"level": "s0:c1"}, {"type": "container_t"}, {"user": "u"}, {}),
            "seccompProfile": ({"type": "RuntimeDefault"}, {"type": "Unconfined"}, LOCALHOST),
            "appArmorProfile": ({"type": "RuntimeDefault"}, {"type": "Unconfined"}),
            "runAsUser": (0, 1000),
            "runAsGroup": (0, 1000),
            "runAsNonRoot": (True, False),
            "windowsOptions": ({}, {"hostProcess": False}, {"hostProcess": True}),
        }.items()
    },
    **{
        f"{where}.runAsUserName": (where, ("securityContext", "windowsOptions", "runAsUserName"), USERS)
        for where in ("pod", "container")
    },
    **{
        f"{where}.{name}": (where, ("securityContext", "windowsOptions", name), values)
        for where in ("pod", "container")
        for name, values in {
            "gmsaCredentialSpecName": ("gmsa-web", "gmsa.example", "Gmsa_Web", "", "a" * 254),
            "gmsaCredentialSpec": ("{}", "", "x" * (64 * 1024 + 1)),
        }.items()
    },
    "fsGroup": ("pod", ("securityContext", "fsGroup"), (0, 1000)),
    "fsGroupChangePolicy": ("pod", ("securityContext", "fsGroupChangePolicy"), ("Always", "OnRootMismatch")),
    "supplementalGroups": ("pod", ("securityContext", "supplementalGroups"), ([], [1000])),
    "supplementalGroupsPolicy": ("pod", ("securityContext", "supplementalGroupsPolicy"), ("Merge", "Strict")),
    "seLinuxChangePolicy": ("pod", ("securityContext", "seLinuxChangePolicy"), ("Recursive",)),
    "sysctls": (
        "pod",
        ("securityContext", "sysctls"),
        ([], SAFE, UNSAFE),
    ),
    "hostPID": ("pod", ("hostPID",), (True, False)),
    "hostIPC": ("pod", ("hostIPC",), (True, False)),
    "hostUsers": ("pod", ("hostUsers",), (True, False)),
    "hostNetwork": ("pod", ("hostNetwork",), (True, False)),
    "shareProcessNamespace": ("pod", ("shareProcessNamespace",), (True, False)),
    "resources": (
        "pod",
        ("resources",),
        ({}, {"limits": {"cpu": "1", "memory": "1Gi"}}, {"requests": {"memory": "1Gi"}}),
    ),
    "os": ("pod", ("os",), ({"name": "windows"}, {"name": "linux"}, {"name": "Windows"}, {"name": ""})),
    "runtimeClassName": ("pod", ("runtimeClassName",), tuple(RUNTIME_CLASSES)),
    "capabilities": (
        "container",
        ("securityContext", "capabilities"),
        ({}, {"drop": ["ALL"]}, {"add": ["NET_BIND_SERVICE"]}, {"add": ["SYS_TIME"]}),
    ),
    "readOnlyRootFilesystem": ("container", ("securityContext", "readOnlyRootFilesystem"), (True, False)),
    "privileged": ("container", ("securityContext", "privileged"), (True, False)),
    "allowPrivilegeEscalation": ("container", ("securityContext", "allowPrivilegeEscalation"), (True, False)),
    "procMount": ("container", ("securityContext", "procMount"), ("Default",)),
    "hostPort": ("container", ("ports",), ([{"containerPort": 80, "hostPort": 80}], [{"containerPort": 80}])),
    "probeHost": (
        "first",
        ("readinessProbe",),
        ({"httpGet": {"port": 80, "host": "other"}}, {"tcpSocket": {"port": 80}}),
    ),
    "volumes": (
        "pod",
        ("volumes",),
        (
            [{"name": "v", "hostPath": {"path": "/data"}}],
            [{"name": "v", "emptyDir": {}}],
            [{"name": "v", "nfs": {"server": "n", "path": "/"}}],
        ),
    ),
    # Behind an alpha gate: the server drops it, whatever the system.
    "stopSignal": ("container", ("lifecycle",), ({"stopSignal": "SIGHUP"}, {"stopSignal": "SIGTERM"})),
    "osLabel": (
        "meta",
        ("labels",),
        ({"app": "a", "kubernetes.io/os": "linux"}, {"app": "a", "kubernetes.io/os": "windows"}),
    ),
}
KINDS = ("Pod", "Pod", "Pod", "Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob")


@dataclass(slots=True)
class Generated:
    """The objects, and how often each field is set in them."""

    objects: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    counts: Counter[str] = field(default_factory=Counter[str])


def generate(count: int, seed: int = 18) -> Generated:
    """Generate objects, always the same for a seed."""
    source, made = random.Random(seed), Generated()
    for number in range(count):
        template = _template(source)
        for name in _chosen(source, number):
            where, path, values = FIELDS[name]
            _put(_target(source, template, where), path, copy.deepcopy(source.choice(values)))
            made.counts[name] += 1
        _settle(template["spec"])
        made.objects.append(
            _object(source.choice(KINDS), f"o{number}", source.choice([*NAMESPACES]), template)
        )
    return made


def _chosen(source: random.Random, number: int) -> list[str]:
    """Choose every field in turn, with up to two others."""
    names = [*FIELDS]
    return list(dict.fromkeys([names[number % len(names)], *source.sample(names, source.randrange(3))]))


def _template(source: random.Random) -> dict[str, Any]:
    """Return a pod for Windows by its selector or for either system; half of them also set spec.os.name."""
    container = {"name": "web", "image": "registry.example.com/web:ltsc2022"}
    spec: dict[str, Any] = {"containers": [container], "nodeSelector": {"kubernetes.io/os": "windows"}}
    if source.random() < 0.5:
        spec["os"] = {"name": "windows"}
    elif source.random() < 0.3:
        spec |= {
            "os": {"name": "linux"},
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "containers": [{"name": "web", "image": "web:1"}],
        }
    if source.random() < 0.3:
        spec["initContainers"] = [copy.deepcopy(spec["containers"][0]) | {"name": "first"}]
    if source.random() < 0.4:
        spec["securityContext"] = {"runAsNonRoot": True}
    return {"metadata": {"labels": {"app": "a"}}, "spec": spec}


def _target(source: random.Random, template: dict[str, Any], where: str) -> dict[str, Any]:
    containers = [*template["spec"]["containers"], *template["spec"].get("initContainers", ())]
    places = {
        "meta": template["metadata"],
        "pod": template["spec"],
        "first": containers[0],
        "container": source.choice(containers),
    }
    return places[where]


def _settle(spec: dict[str, Any]) -> None:
    """Remove combinations that the server refuses for every system."""
    contexts = [
        container.get("securityContext", {})
        for container in (*spec["containers"], *spec.get("initContainers", ()))
    ]
    if spec.get("securityContext", {}).get("sysctls"):
        spec.pop("hostNetwork", None), spec.pop("hostIPC", None)
    if spec.get("hostPID"):
        spec.pop("shareProcessNamespace", None)
    if spec.get("hostUsers") is False:
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            spec.pop(name, None)
    for context in contexts:
        if context.get("privileged") or "SYS_ADMIN" in str(context.get("capabilities")):
            context.pop("allowPrivilegeEscalation", None)


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        target = target.setdefault(key, {})
    if isinstance(value, dict) and isinstance(target.get(path[-1]), dict):
        target[path[-1]] |= value
    else:
        target[path[-1]] = value


def _object(kind: str, name: str, namespace: str, template: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    if kind == "Pod":
        return {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": template["metadata"] | metadata,
            "spec": template["spec"],
        }
    selector = {"selector": {"matchLabels": {"app": "a"}}}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
        job = {"template": template}
        spec = job if kind == "Job" else {"schedule": "0 0 * * *", "jobTemplate": {"spec": job}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": spec}
    more = {"serviceName": "a"} if kind == "StatefulSet" else {}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {**selector, **more, "template": template},
    }
