"""User-data: the scripts of userdata/ with quoted assignments in front.

Pure; what runs stays byte for byte what the linters read.
"""

import base64
import gzip
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError
from .quoting import powershell, with_assignments

SCRIPTS = Path(__file__).resolve().parents[2] / "userdata"
# EC2 refuses more, counted before base64 (EC2 user guide, "Run commands when you launch an EC2 instance").
RAW_LIMIT_BYTES = 16384
LINUX_PARTS = ("common", "machine")
WINDOWS_PARTS = (
    "common",
    "tasks",
    "services",
    "watch",
    "expiry",
    "host",
    "kubernetes",
    "join",
    "network",
    "plan",
    "worker",
)
CRI_SOCKETS = {
    "linux": "unix:///run/containerd/containerd.sock",
    "windows": "npipe:////./pipe/containerd-containerd",
}
# So that a Linux pod without a nodeSelector never lands on Windows (Kubernetes docs, "Taints and tolerations"
# for Windows).
WINDOWS_TAINT = "os=windows:NoSchedule"
# A tag of EC2Launch's, in any case; NUL; whatever is not ASCII.
_NOT_FOR_WINDOWS = re.compile(
    r"</?(?:powershell|script|persist|detach|runAsLocalSystem|powershellArguments)\b|[\0]|[^\x00-\x7f]",
    re.IGNORECASE,
)


def linux(role: str, inputs: Mapping[str, str], *, expires: bool = False) -> str:
    """The base64 user-data of a Linux machine; `role` is control-plane or worker, `expires` says that its
    stack ends by itself.

    Plain text while it fits, so that it can be read in the console. Compressed otherwise: only then, since
    another zlib may compress to other bytes, and other user-data means another machine. Comments stay at
    home: a fifth of the limit.
    """
    body = "".join(
        without_comments(_script(f"linux/{part}.sh"))
        for part in (*LINUX_PARTS, *(["expiry"] if expires else []), role)
    )
    text = with_assignments(body, inputs).encode()
    raw = text if len(text) <= RAW_LIMIT_BYTES else gzip.compress(text, mtime=0)
    return base64.b64encode(_within_limit(role, raw)).decode()


def without_comments(script: str) -> str:
    """A script of either shell without the lines that hold nothing, or nothing but a comment; its shebang is
    kept.
    """
    shebang, rest = script.split("\n", 1) if script.startswith("#!") else ("", script)
    kept = [
        line
        for line in rest.splitlines(keepends=True)
        if line.strip() and not line.lstrip(" ").startswith("#")
    ]
    return "".join([f"{shebang}\n" if shebang else "", *kept])


def windows(inputs: Mapping[str, "str | Sequence[str] | Mapping[str, Any]"]) -> str:
    """The user-data of a Windows worker: it keeps the inputs, fetches the staged script, checks its sum and
    starts it.

    It runs at every boot, since Windows restarts on its way to being a node.
    """
    assignments = [f"${name} = {powershell(value)}" for name, value in inputs.items()]
    bootstrap = _script("windows/bootstrap.ps1").rstrip("\n")
    _refuse_what_windows_reads_otherwise(
        {**{text.partition(" ")[0]: text for text in assignments}, "bootstrap.ps1": bootstrap}
    )
    text = "\n".join(
        [
            "<powershell>",
            *assignments,
            without_comments(bootstrap),
            "</powershell>",
            "<persist>true</persist>",
            "",
        ]
    )
    return _within_limit("windows worker", text.encode("ascii")).decode()


def _refuse_what_windows_reads_otherwise(texts: Mapping[str, str]) -> None:
    """Refuse EC2Launch's tags in any part of the body, a comment too, and characters that are not ASCII.

    EC2Launch looks for its tags before PowerShell sees a quote or a comment, and takes the first match;
    Windows PowerShell 5.1 reads other bytes as ANSI.
    """
    for name, text in texts.items():
        if found := _NOT_FOR_WINDOWS.search(text):
            raise ConfigError(
                [
                    f"{name} of the Windows user-data holds {found[0]!r}, which EC2Launch or PowerShell "
                    f"would read otherwise; take it out"
                ]
            )


def windows_script() -> str:
    """Join the parts of the staged script: the parts of the state machine in the order in which they use each
    other.
    """
    return "\n".join(_script(f"windows/{part}.ps1") for part in WINDOWS_PARTS)


def kubeadm_init(
    *,
    node_name: str,
    version: str,
    pod_cidr: str,
    service_cidr: str,
    public_ip: str,
    ignore_preflight_errors: Sequence[str],
) -> str:
    """The documents of `kubeadm init`; the private address is filled in on the machine."""
    init, cluster, kubelet = yaml.safe_load_all(_script("kubeadm/init.yaml"))
    init["nodeRegistration"] |= {"name": node_name, "ignorePreflightErrors": [*ignore_preflight_errors]}
    cluster["kubernetesVersion"] = f"v{version}"
    cluster["networking"] |= {"podSubnet": pod_cidr, "serviceSubnet": service_cidr}
    cluster["apiServer"]["certSANs"] = [public_ip]
    return _yaml(init, cluster, kubelet)


def kubeadm_join(
    *,
    node_name: str,
    family: str,
    labels: Mapping[str, str],
    taints: Sequence[str],
    ignore_preflight_errors: Sequence[str],
) -> str:
    """The document of `kubeadm join`; endpoint, token and CA hash are filled in on the machine, from the
    rendezvous.
    """
    document = yaml.safe_load(_script("kubeadm/join.yaml"))
    registration: dict[str, Any] = document["nodeRegistration"]
    registration |= {
        "name": node_name,
        "criSocket": CRI_SOCKETS[family],
        "ignorePreflightErrors": [*ignore_preflight_errors],
    }
    registration["taints"] = node_taints(family, taints)
    registration["kubeletExtraArgs"] = (
        [{"name": "node-labels", "value": ",".join(f"{k}={v}" for k, v in labels.items())}] if labels else []
    )
    return _yaml(document)


def node_taints(family: str, own: Sequence[str]) -> list[dict[str, str]]:
    """The taints of a node: its pool's own, and the one that every Windows node has."""
    return [_taint(text) for text in [*([WINDOWS_TAINT] if family == "windows" else []), *own]]


class _QuotedDumper(yaml.SafeDumper):
    """Quotes every text. PyYAML leaves `y` bare, which kubeadm's parser takes for true."""


_QuotedDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def _yaml(*documents: Mapping[str, Any]) -> str:
    return yaml.dump_all(documents, Dumper=_QuotedDumper, sort_keys=False)


def _taint(text: str) -> dict[str, str]:
    pair, effect = text.rsplit(":", 1)
    key, _, value = pair.partition("=")
    return {"key": key, "value": value, "effect": effect}


def _script(path: str) -> str:
    return (SCRIPTS / path).read_text()


def _within_limit(who: str, raw: bytes) -> bytes:
    if len(raw) > RAW_LIMIT_BYTES:
        raise ConfigError(
            [
                f"the user-data of the {who} is {len(raw)} bytes, but EC2 takes {RAW_LIMIT_BYTES}; shorten "
                f"labels, taints or mirror addresses"
            ]
        )
    return raw
