"""Decide which pods the stand-in can run, and compile CCAuth's C# from the pod's ConfigMap for Mono."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from rehearsal.windows_node.api import Api, Json
from rehearsal.windows_node.ccauth_host import host
from rehearsal.windows_node.errors import StandinError
from rehearsal.windows_node.probes import KINDS

_WCF_IMAGE = "mcr.microsoft.com/dotnet/framework/wcf:"
# The files that ASP.NET reads: the service's page gives the path, its C# the behaviour.
_PAGE, _CODE = ".svc", ".cs"

# fieldRef -> value; the workloads use no other part of the downward API.
_FIELDS: dict[str, Callable[[Json, str, str], str]] = {
    "spec.nodeName": lambda pod, pod_ip, host_ip: pod["spec"]["nodeName"],
    "metadata.name": lambda pod, pod_ip, host_ip: pod["metadata"]["name"],
    "metadata.namespace": lambda pod, pod_ip, host_ip: pod["metadata"]["namespace"],
    "status.podIP": lambda pod, pod_ip, host_ip: pod_ip,
    "status.hostIP": lambda pod, pod_ip, host_ip: host_ip,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """The program that is started for a pod."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    image_id: str = ""


def unsupported_reason(pod: Json) -> str | None:
    """Return the reason why this pod cannot run here, or None."""
    containers: list[Json] = pod["spec"]["containers"]
    images = [container["image"] for container in [*pod["spec"].get("initContainers", []), *containers]]
    if len(images) != 1 or not images[0].startswith(_WCF_IMAGE):
        return f"a stand-in cannot run Windows images ({', '.join(images)}); it runs one {_WCF_IMAGE}<tag>"
    if len(_config_maps(pod)) == 0:
        return "a stand-in runs only a service whose source comes from a ConfigMap volume; the pod has none"
    return _unsupported_probe(containers[0]) or _unsupported_variable(containers[0])


def prepare(api: Api, pod: Json, directory: Path, *, pod_ip: str, host_ip: str) -> Program:
    """Write the source as kubelet mounts it, compile it, and return the program."""
    source = directory / "src"
    digest = _write_source(api, pod, source)
    container = pod["spec"]["containers"][0]
    url = f"http://{pod_ip}:{container['ports'][0]['containerPort']}/{_only(source, _PAGE).name}"
    executable = host.build(_only(source, _CODE), directory)
    return Program(
        command=host.command(executable, url),
        environment=_environment(pod, container, pod_ip, host_ip),
        image_id=f"stand-in://mono@sha256:{digest}",
    )


def _write_source(api: Api, pod: Json, source: Path) -> str:
    """Write all files of the pod's ConfigMap volumes into one folder; return the digest of their content."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    digest = hashlib.sha256()
    for volume in _config_maps(pod):
        data = api.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}/configmaps/{volume['name']}").get(
            "data", {}
        )
        names = {item["key"]: item["path"] for item in volume.get("items", [])} or {key: key for key in data}
        for key, name in sorted(names.items()):
            (source / Path(name).name).write_text(data[key])
            digest.update(data[key].encode())
    return digest.hexdigest()


def _only(source: Path, suffix: str) -> Path:
    found = sorted(path for path in source.iterdir() if path.suffix == suffix)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise StandinError(f"the pod's ConfigMaps hold {len(found)} {suffix} files ({names}); one is needed")
    return found[0]


def _environment(pod: Json, container: Json, pod_ip: str, host_ip: str) -> dict[str, str]:
    def value(variable: Json) -> str:
        reference = variable.get("valueFrom", {}).get("fieldRef")
        return (
            _FIELDS[reference["fieldPath"]](pod, pod_ip, host_ip) if reference else variable.get("value", "")
        )

    return {variable["name"]: value(variable) for variable in container.get("env", [])}


def _config_maps(pod: Json) -> list[Json]:
    return [
        volume["configMap"]
        for volume in cast(list[Json], pod["spec"].get("volumes", []))
        if "configMap" in volume
    ]


def _unsupported_probe(container: Json) -> str | None:
    wrong = [
        kind for kind in KINDS if f"{kind}Probe" in container and "httpGet" not in container[f"{kind}Probe"]
    ]
    return f"a stand-in can send only httpGet probes, not this {wrong[0]}Probe" if wrong else None


def _unsupported_variable(container: Json) -> str | None:
    for variable in container.get("env", []):
        source = variable.get("valueFrom", {"fieldRef": {"fieldPath": "spec.nodeName"}})
        if source.get("fieldRef", {}).get("fieldPath") not in _FIELDS:
            known = f"values and fieldRefs to {', '.join(_FIELDS)}"
            return f"a stand-in cannot fill in the variable {variable['name']}, only {known}"
    return None
