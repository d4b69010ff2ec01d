"""The bill of materials: every file that machines download, with the sum that it must have. Pure: no Pulumi,
no AWS.

One JSON file for each Kubernetes version, bom/<version>.json; `source` in it says who published the sum.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from . import versions

PLATFORMS = {"linux": "linux/amd64", "windows": "windows/amd64"}
# Downloads that the scripts in userdata/ name.
NEEDED = {
    "linux": ("kubeadm", "kubelet", "kubectl", "containerd", "runc", "cni-plugins"),
    "windows": (
        "kubernetes-node",
        "containerd",
        "cni-plugins",
        "flanneld.exe",
        "flannel-cni.exe",
        "PrepareNode.ps1",
        "nssm",
    ),
}
# Lengths in hexadecimal digits. Kubernetes publishes sha512 alone for the archive that holds the Windows
# programs.
ALGORITHMS = {"sha256": 64, "sha512": 128}
# userdata/linux/machine.sh checks with sha256sum.
ACCEPTED = {"linux": ("sha256",), "windows": ("sha256", "sha512")}

# The characters of RFC 3986: an address becomes part of scripts.
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One file. `also` are other places that have the same bytes; `sums` holds what the file says, by
    algorithm.
    """

    url: str
    also: tuple[str, ...] = ()
    version: str = ""
    sums: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def sha256(self) -> str:
        return self.sums.get("sha256", "")

    @property
    def sum(self) -> str:
        """`algorithm:digest`, as userdata/windows/common.ps1 reads it."""
        algorithm, digest = next(iter(self.sums.items()))
        return f"{algorithm}:{digest}"

    def urls(self, mirror: str) -> list[str]:
        """Where to fetch it: the mirror alone when there is one, since nothing else need be in reach then."""
        return [mirrored(self.url, mirror)] if mirror else [self.url, *self.also]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bom:
    """The downloads of both systems by name."""

    path: Path
    kubernetes: str
    linux: Mapping[str, Artifact]
    windows: Mapping[str, Artifact]


def read(path: Path) -> tuple[Bom, list[str]]:
    """The file as it is, and why it cannot be used at all; its entries are judged by `problems`."""
    empty = Bom(path=path, kubernetes="", linux={}, windows={})
    try:
        document: object = json.loads(path.read_text())
    except OSError as error:
        return empty, [
            f"bom {path} cannot be read ({error.strerror}); name a file that is there, or take `bom` out of "
            f"the configuration"
        ]
    except ValueError as error:
        return empty, [f"bom {path} is not JSON ({error}); bom/ has examples of what is accepted"]
    if not isinstance(document, dict) or not isinstance(
        kubernetes := cast(dict[str, object], document).get("kubernetes"), str
    ):
        return empty, [
            f'bom {path} does not say its Kubernetes version; write it at the top, e.g. {{"kubernetes": '
            f'"1.35.8"}}'
        ]
    families = {
        family: _artifacts(cast(dict[str, object], document).get(platform))
        for family, platform in PLATFORMS.items()
    }
    return Bom(path=path, kubernetes=kubernetes, **families), []


def problems(bom: Bom, families: Collection[str]) -> list[str]:
    """Everything in the bill of materials that a machine of these families could not be given, one
    sentence each.
    """
    return [
        sentence for family in PLATFORMS if family in families for sentence in _family_problems(bom, family)
    ]


def mirrored(url: str, artifact_mirror: str) -> str:
    """https://HOST/PATH as <mirror>/HOST/PATH; unchanged without a mirror."""
    return f"{artifact_mirror.rstrip('/')}/{url.split('://', 1)[1]}" if artifact_mirror else url


def _artifacts(section: object) -> dict[str, Artifact]:
    """Entries of one platform. What is no object, or no text, is left out here and missed by `problems`."""
    entries = cast(dict[str, object], section) if isinstance(section, dict) else {}
    return {
        name: _artifact(cast(dict[str, object], entry))
        for name, entry in entries.items()
        if isinstance(entry, dict)
    }


def _artifact(entry: Mapping[str, object]) -> Artifact:
    also = entry.get("also", [])
    texts = {key: value for key, value in entry.items() if isinstance(value, str)}
    return Artifact(
        url=texts.get("url", ""),
        also=tuple(str(url) for url in cast(list[object], also)) if isinstance(also, list) else (),
        version=texts.get("version", ""),
        sums={algorithm: texts[algorithm] for algorithm in ALGORITHMS if texts.get(algorithm)},
    )


def _family_problems(bom: Bom, family: str) -> list[str]:
    artifacts: Mapping[str, Artifact] = {"linux": bom.linux, "windows": bom.windows}[family]
    found: list[str] = []
    for name in dict.fromkeys([*NEEDED[family], *artifacts]):
        where = f"bom {bom.path}, {PLATFORMS[family]}, {name}"
        if name not in artifacts:
            found.append(
                f"{where}: there is no entry, but a {family} machine needs it; add its url and "
                f"{_accepted(family)}"
            )
        else:
            found.extend(f"{where}: {what}" for what in _artifact_problems(artifacts[name], family))
    return [*found, *_containerd_problems(bom, family, artifacts)]


def _containerd_problems(bom: Bom, family: str, artifacts: Mapping[str, Artifact]) -> list[str]:
    """Not every containerd goes with every Kubernetes, and the scripts choose its configuration by the
    version.
    """
    where = f"bom {bom.path}, {PLATFORMS[family]}, containerd"
    if "containerd" not in artifacts:
        return []
    version = artifacts["containerd"].version
    if not _VERSION.fullmatch(version):
        return [f"{where}: its version is {version!r}; accepted is that of the file, e.g. 2.2.7"]
    if bom.kubernetes not in versions.KUBERNETES_VERSIONS:
        return []
    problem = versions.containerd_problem(version, bom.kubernetes, family)
    return [f"{where}: {problem}"] if problem else []


def _artifact_problems(artifact: Artifact, family: str) -> list[str]:
    found = [
        f"the address is {url!r}; accepted is an http(s) URL of a file"
        for url in (artifact.url, *artifact.also)
        if not _URL.fullmatch(url)
    ]
    if not set(artifact.sums) & set(ACCEPTED[family]):
        found.append(
            f"it has no {_accepted(family)}; take it from the publisher, compare it with the file, and "
            f"write it beside the url"
        )
    for algorithm, digest in artifact.sums.items():
        length = ALGORITHMS[algorithm]
        if len(digest) != length or not _HEX.fullmatch(digest):
            found.append(
                f"its {algorithm} is {digest[:80]!r}; accepted are {length} digits 0-9 a-f, as the "
                f"publisher has them"
            )
        elif len(set(digest)) == 1:
            found.append(
                f"its {algorithm} is a placeholder ({digest[:8]}...); write the {length} digits that the "
                f"publisher has"
            )
    return found


def _accepted(family: str) -> str:
    return " or ".join(ACCEPTED[family])
