"""Decide which pods the stand-in can run, and compile CCAuth's C# from the pod's ConfigMap for Mono."""

import base64
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from rehearsal.windows_node import image_pull, own_image
from rehearsal.windows_node.api import Api, Json
from rehearsal.windows_node.ccauth_host import host
from rehearsal.windows_node.errors import StandinError
from rehearsal.windows_node.probes import KINDS

_BUILD_LABEL, _DOCKER_CONFIG = "node.kubernetes.io/windows-build", ".dockerconfigjson"
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
    if len(images) != 1 or not (images[0].startswith(_WCF_IMAGE) or _is_own(images[0])):
        accepted = f"one {_WCF_IMAGE}<tag>, or an image of `microcosm image build` with its digest"
        return f"a stand-in cannot run Windows images ({', '.join(images)}); it runs {accepted}"
    if not _is_own(images[0]) and len(_config_maps(pod)) == 0:
        return "a stand-in runs only a service whose source comes from a ConfigMap volume; the pod has none"
    return _unsupported_probe(containers[0]) or _unsupported_variable(containers[0])


def prepare(api: Api, pod: Json, directory: Path, *, pod_ip: str, host_ip: str) -> Program:
    """Write the source as kubelet mounts it, or take it from the image; compile it, and return the
    program.
    """
    if _is_own(pod["spec"]["containers"][0]["image"]):
        return _prepare_own(api, pod, directory, pod_ip=pod_ip, host_ip=host_ip)
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


def _is_own(image: str) -> bool:
    """Whether the reference has a digest, as `microcosm image manifest` writes it."""
    return "@sha256:" in image and not image.startswith(_WCF_IMAGE)


def _prepare_own(api: Api, pod: Json, directory: Path, *, pod_ip: str, host_ip: str) -> Program:
    """Pull the pod's image with its pull secret, and compile the service in it."""
    container = pod["spec"]["containers"][0]
    pulled = image_pull.Puller(container["image"], _login(api, pod)).pull(directory / "drive")
    wanted = pod["spec"].get("nodeSelector", {}).get(_BUILD_LABEL)
    if wanted and wanted != own_image.build_of(pulled.config):
        found = own_image.build_of(pulled.config)
        raise StandinError(
            f"the image is for Windows {found}, and the pod asks for a node of {wanted}: it would not start"
        )
    variables = _from_secrets(api, pod) | _environment(pod, container, pod_ip, host_ip)
    command = own_image.command(pulled, directory, pod_ip, variables)
    return Program(command=command, environment=variables, image_id=f"stand-in://mono@{pulled.digest}")


def _login(api: Api, pod: Json) -> str:
    """Return the login of the first pull secret that knows the image's registry."""
    image = pod["spec"]["containers"][0]["image"]
    for reference in pod["spec"].get("imagePullSecrets", []):
        text = _secret(api, pod, reference["name"]).get(_DOCKER_CONFIG, "")
        if text and (login := image_pull.login_of(text, image)):
            return login
    return ""


def _from_secrets(api: Api, pod: Json) -> dict[str, str]:
    references = [
        one["secretRef"]["name"]
        for one in pod["spec"]["containers"][0].get("envFrom", [])
        if "secretRef" in one
    ]
    return {name: text for reference in references for name, text in _secret(api, pod, reference).items()}


def _secret(api: Api, pod: Json, name: str) -> dict[str, str]:
    data: dict[str, str] = api.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}/secrets/{name}").get(
        "data", {}
    )
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


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
