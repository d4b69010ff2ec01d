"""Versions that fit together: Kubernetes, containerd, pause, and the operating systems. Data and its sources;
pure.

Looked up on 2026-11-24. `kubernetes/website` is the source of what the Kubernetes project itself supports;
what others run on Windows Server 2019 is named where it decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .operating_systems import OPERATING_SYSTEMS, OperatingSystem, Support


@dataclass(frozen=True, kw_only=True, slots=True)
class KubernetesVersion:
    """One version that has a bill of materials.

    `containerd` is the one in it; `source` where the pair is documented.
    """

    version: str
    containerd: str
    pause_image: str
    source: str

    @property
    def minor(self) -> str:
        return minor(self.version)

    @property
    def missing(self) -> list[str]:
        """List the columns that the row lacks."""
        return [name for name in ("containerd", "pause_image", "source") if not getattr(self, name)]


# pause 3.10.2 is the first with an image for build 26100, and still has 17763 (kubernetes/kubernetes#136960;
# rancher/rke2 6ce1a80, scripts/package-windows-images).
_PAUSE = "registry.k8s.io/pause:3.10.2"
_RUNTIME_SOURCE = (
    "containerd/containerd 301026e RELEASES.md, Kubernetes support; rancher/rke2 "
    "Dockerfile.windows of the same minor"
)
KUBERNETES_VERSIONS: Mapping[str, KubernetesVersion] = MappingProxyType(
    {
        version: KubernetesVersion(
            version=version, containerd=containerd, pause_image=_PAUSE, source=_RUNTIME_SOURCE
        )
        for version, containerd in (("1.34.11", "2.2.7"), ("1.35.8", "2.2.7"), ("1.36.4", "2.3.4"))
    }
)
# Built where a stack's configuration names none; Pulumi.yaml carries the same as its schema's default.
DEFAULT_KUBERNETES = "1.35.8"

# The first patch of each containerd minor that goes with a Kubernetes minor; a minor that is newer than all
# of them does too.
CONTAINERD_FROM: Mapping[str, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "1.34": ((1, 7, 28), (2, 0, 6), (2, 1, 3)),
        "1.35": ((1, 7, 28), (2, 1, 5), (2, 2, 0)),
        "1.36": ((2, 2, 0), (2, 3, 0)),
    }
)
# Those whose configuration the scripts of each system can write (userdata/linux/machine.sh,
# userdata/windows/worker.ps1).
CONTAINERD_MAJORS: Mapping[str, tuple[int, ...]] = MappingProxyType({"linux": (2,), "windows": (1, 2)})


def minor(version: str) -> str:
    """1.35.8 -> 1.35"""
    return ".".join(version.split(".")[:2])


def support(os: OperatingSystem, kubernetes_version: str) -> Support:
    """Return the support of the pair; an unknown pair is unsupported."""
    never = Support(
        level="unsupported",
        note=f"{os.title} is not supported with Kubernetes {minor(kubernetes_version)}",
        source=os.source,
    )
    return os.supports.get(minor(kubernetes_version), never)


def problem(os_name: str, kubernetes_version: str) -> str | None:
    """Why a pool cannot be built on this pair, with the nearest one that can; None when it can."""
    if os_name not in OPERATING_SYSTEMS:
        return f"{os_name!r} is not a known operating system; known are {', '.join(OPERATING_SYSTEMS)}"
    if kubernetes_version not in KUBERNETES_VERSIONS:
        return (
            f"Kubernetes {kubernetes_version} has no row in infra/config/versions.py; known are "
            f"{', '.join(KUBERNETES_VERSIONS)}"
        )
    os = OPERATING_SYSTEMS[os_name]
    for name, row in (
        (os_name, os),
        (f"Kubernetes {kubernetes_version}", KUBERNETES_VERSIONS[kubernetes_version]),
    ):
        if row.missing:
            return (
                f"the row of {name} in infra/config/versions.py has no {' and no '.join(row.missing)}; "
                f"fill it in from the publisher, with its source"
            )
    found = support(os, kubernetes_version)
    if found.level != "unsupported":
        return None
    return f"{found.note}; the nearest that is: {_nearest(os, kubernetes_version)}"


def containerd_problem(version: str, kubernetes_version: str, family: str) -> str | None:
    """Why a system cannot have this containerd with this Kubernetes, with the nearest that it can; None
    when it can.
    """
    rows = [row for row in CONTAINERD_FROM[minor(kubernetes_version)] if row[0] in CONTAINERD_MAJORS[family]]
    given = tuple(map(int, version.split(".")))
    lines = [row for row in rows if row[:2] == given[:2]]
    first = lines[0] if lines else rows[-1]
    if given >= first and given[0] == first[0]:
        return None
    recommended = KUBERNETES_VERSIONS[kubernetes_version].containerd
    nearest = next((".".join(map(str, row)) for row in rows if row >= given), recommended)
    pair = f"version {version} does not go with Kubernetes {minor(kubernetes_version)} on {family}"
    return f"{pair}; the nearest that does is {nearest}, recommended is {recommended}"


def pause_image(kubernetes_version: str) -> str:
    """The sandbox image of both systems."""
    return KUBERNETES_VERSIONS[kubernetes_version].pause_image


def _nearest(os: OperatingSystem, kubernetes_version: str) -> str:
    """The closest Kubernetes version for this system, and the closest system for this version."""
    order = list(KUBERNETES_VERSIONS)
    versions = [version for version in order if support(os, version).level != "unsupported"]
    nearest_version = min(
        versions, key=lambda version: abs(order.index(version) - order.index(kubernetes_version))
    )
    systems = [
        system
        for system in OPERATING_SYSTEMS.values()
        if system.family == os.family and support(system, kubernetes_version).level == "supported"
    ]
    others = f", or {systems[-1].name} with Kubernetes {kubernetes_version}" if systems else ""
    return f"{os.name} with Kubernetes {nearest_version}{others}"
