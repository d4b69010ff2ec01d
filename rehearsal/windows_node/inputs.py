"""Read the inputs of a Windows node from its user-data, and complete its JoinConfiguration from the join
document.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

import yaml

from rehearsal.windows_node.bootstrap import Discovery
from rehearsal.windows_node.errors import InputError
from rehearsal.windows_node.powershell import Literal, assignments, script_of

_API_VERSION = "kubeadm.k8s.io/v1beta4"
_SUM = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_TOKEN = re.compile(r"@[A-Z_]+@")
# Token in the JoinConfiguration -> field of the join document.
_FILLED_IN = {"@API_ENDPOINT@": "endpoint", "@TOKEN@": "token", "@CA_HASH@": "caCertHash"}


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeInputs:
    """The inputs that the stand-in uses, out of those of the Windows script."""

    stack: str
    node_name: str
    control_plane_id: str
    kubernetes_version: str
    containerd_version: str
    join_configuration: str
    flannel_backend: str
    flannel_net_conf: str
    script_bucket: str
    script_key: str
    script_sha256: str
    images: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """The node's name, labels, taints and discovery."""

    name: str
    discovery: Discovery
    labels: dict[str, str]
    taints: list[dict[str, str]]


VARIABLES = {
    "stack": "StackName",
    "node_name": "NodeName",
    "control_plane_id": "ControlPlaneInstanceId",
    "kubernetes_version": "KubernetesVersion",
    "containerd_version": "ContainerdVersion",
    "join_configuration": "JoinConfiguration",
    "flannel_backend": "FlannelBackend",
    "flannel_net_conf": "FlannelNetConf",
    "script_bucket": "ScriptBucket",
    "script_key": "ScriptKey",
    "script_sha256": "ScriptSha256",
}


def from_user_data(raw: bytes) -> NodeInputs:
    """Read the instance's user-data as PowerShell would."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError(
            f"user-data is not ASCII at byte {error.start}: Windows PowerShell 5.1 would read it as ANSI"
        ) from error
    found = assignments(script_of(text))
    _check_artifacts(found.get("Artifacts"))
    texts = {field: _text(found, variable) for field, variable in VARIABLES.items()}
    return NodeInputs(images=_texts(found, "PrepullImages"), **texts)


def registration(template: str, document: dict[str, Any]) -> Registration:
    """Complete the JoinConfiguration as kubeadm.exe would get it, and return the parts that the stand-in
    uses.
    """
    config = _completed(template, document)
    token = config["discovery"]["bootstrapToken"]
    node = config["nodeRegistration"]
    extra = {argument["name"]: argument["value"] for argument in node.get("kubeletExtraArgs") or []}
    return Registration(
        name=node["name"],
        discovery=Discovery(
            endpoint=token["apiServerEndpoint"],
            token=token["token"],
            ca_cert_hashes=tuple(token["caCertHashes"]),
        ),
        labels=_labels(extra.get("node-labels", "")),
        taints=[dict(taint) for taint in node.get("taints") or []],
    )


def _completed(template: str, document: dict[str, Any]) -> dict[str, Any]:
    text = template
    for token, field in _FILLED_IN.items():
        if field not in document:
            raise InputError(f"the join document has no {field}; it has {', '.join(sorted(document))}")
        text = text.replace(token, str(document[field]))
    if left := _TOKEN.findall(text):
        raise InputError(
            f"the JoinConfiguration still holds {', '.join(left)}; only {', '.join(_FILLED_IN)} are replaced"
        )
    loaded: object = yaml.safe_load(text)
    config = cast(dict[str, Any], loaded if isinstance(loaded, dict) else {})
    kind = (config.get("apiVersion"), config.get("kind"))
    if kind != (_API_VERSION, "JoinConfiguration"):
        raise InputError(
            f"the JoinConfiguration is {kind[0]} {kind[1]}; accepted is {_API_VERSION} JoinConfiguration"
        )
    if config["discovery"]["bootstrapToken"].get("unsafeSkipCAVerification"):
        raise InputError(
            "the JoinConfiguration skips the verification of the CA; the join must be pinned to caCertHashes"
        )
    return config


def _labels(text: str) -> dict[str, str]:
    """Parse kubelet's --node-labels."""
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {key: value for key, _, value in pairs}


def _check_artifacts(artifacts: "Literal | None") -> None:
    """Check every download as the Windows script reads it: `@{ Urls = @(...); Sum = 'sha256:...' }`."""
    for name, entry in artifacts.items() if isinstance(artifacts, dict) else [("(none)", "")]:
        urls, total = (entry.get("Urls"), entry.get("Sum")) if isinstance(entry, dict) else (None, None)
        if not isinstance(urls, list) or not urls or not isinstance(total, str) or not _SUM.fullmatch(total):
            accepted = "@{'Urls' = @('https://...'); 'Sum' = 'sha256:<hex>'}"
            raise InputError(f"user-data, $Artifacts, {name}: accepted is {accepted}, got {entry!r}")


def _texts(found: dict[str, Literal], variable: str) -> tuple[str, ...]:
    value = found.get(variable)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"user-data does not assign a list of texts to ${variable}; it assigns {value!r}")
    return tuple(str(item) for item in value)


def _text(found: dict[str, Literal], variable: str) -> str:
    value = found.get(variable)
    if not isinstance(value, str) or not value:
        names = ", ".join(f"${name}" for name in found) or "nothing"
        raise InputError(f"user-data does not assign a text to ${variable}; it assigns {names}")
    return value
