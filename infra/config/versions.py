"""What fits together: operating systems, Kubernetes, containerd, pause and container base images. Data and
its sources; pure.

Looked up on 2026-11-24. `kubernetes/website` is the source of what the Kubernetes project itself supports;
what others run on Windows Server 2019 is named where it decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Level = Literal["supported", "best-effort", "unsupported"]
_SECTIONS_2025 = "kubernetes/website#53724 (merged 2025-12-19, docs of 1.35): 2019 taken out, 2025 put in"
_LTSC = "mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc"
_WCF = "mcr.microsoft.com/dotnet/framework/wcf:"


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
        """What the row should say and does not."""
        return [name for name in ("containerd", "pause_image", "source") if not getattr(self, name)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Support:
    """How well a system and a Kubernetes minor go together."""

    level: Level
    note: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingSystem:
    """A system that nodes can have.

    `build` is Windows' own, empty on Linux: process-isolated containers need images of the same
    (Virtualization- Documentation, version-compatibility.md). `supports` is by Kubernetes minor; a minor that
    is not in it is unsupported.
    """

    name: str
    title: str
    family: Literal["linux", "windows"]
    ami_parameter: str
    root_device: str
    build: str = ""
    launch_agent: str = ""
    default_instance_type: str
    default_disk_gb: int
    minimum_disk_gb: int
    wcf_image: str = ""
    iis_image: str = ""
    supports: Mapping[str, Support] = field(default_factory=dict[str, Support])
    source: str

    @property
    def missing(self) -> list[str]:
        """What the row should say and does not: without an image nothing starts, without a build nobody
        knows which.
        """
        needed = (
            "ami_parameter",
            "root_device",
            "launch_agent",
            "source",
            *(("build", "wcf_image") if self.family == "windows" else ()),
        )
        return [name for name in needed if not getattr(self, name)]


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
# Those whose configuration the scripts of each system can write (userdata/linux/common.sh,
# userdata/windows/worker.ps1).
CONTAINERD_MAJORS: Mapping[str, tuple[int, ...]] = MappingProxyType({"linux": (2,), "windows": (1, 2)})

_ALL_MINORS = ("1.34", "1.35", "1.36")
_2019_NOTE = (
    "Windows Server 2019 is not in the Kubernetes documentation since 1.35: it runs there, on the "
    "latest cumulative update, as best effort"
)
_2019_SOURCE = (
    f"{_SECTIONS_2025}; openshift/windows-machine-config-operator release-4.22 (kubelet 1.35) "
    f"still tests it on AWS"
)


def _supported(minors: tuple[str, ...], source: str) -> dict[str, Support]:
    return {minor_version: Support(level="supported", note="", source=source) for minor_version in minors}


def _best_effort(minors: tuple[str, ...], note: str, source: str) -> dict[str, Support]:
    return {minor_version: Support(level="best-effort", note=note, source=source) for minor_version in minors}


def _windows(
    release: str, build: str, launch_agent: str, dotnet: str, supports: Mapping[str, Support], source: str
) -> OperatingSystem:
    return OperatingSystem(
        name=f"windows-{release}",
        title=f"Windows Server {release}",
        family="windows",
        # Core has all that a node needs; Full only adds a desktop (and 4 GiB).
        ami_parameter=f"/aws/service/ami-windows-latest/Windows_Server-{release}-English-Core-Base",
        root_device="/dev/sda1",
        build=build,
        launch_agent=launch_agent,
        # 8 GiB of memory and 50 GB of free disk are what the Kubernetes documentation asks of a Windows node.
        default_instance_type="t3.large",
        default_disk_gb=100,
        minimum_disk_gb=50,
        wcf_image=f"{_WCF}{dotnet}-20260714-windowsservercore-ltsc{release}",
        iis_image=f"{_LTSC}{release}",
        supports=supports,
        source=source,
    )


_WINDOWS_SOURCE = (
    "AWS Windows AMI reference (AMI names, launch agents); microsoft/dotnet-framework-docker ebb6885 "
    "README.wcf.md; "
    "microsoft/iis-docker 58dfbf7 README.md"
)
_SYSTEMS = (
    OperatingSystem(
        name="ubuntu-24.04",
        title="Ubuntu 24.04 LTS",
        family="linux",
        ami_parameter="/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        root_device="/dev/sda1",
        launch_agent="cloud-init",
        default_instance_type="t3.medium",
        default_disk_gb=30,
        minimum_disk_gb=20,
        supports=_supported(_ALL_MINORS, "kubernetes.io, Installing kubeadm: a compatible Linux host"),
        source="Canonical, Find Ubuntu images on AWS (SSM parameters)",
    ),
    _windows(
        "2019",
        "10.0.17763",
        "EC2Launch v1",
        "4.8",
        _supported(("1.34",), "kubernetes/website 9953899 content/en/docs/concepts/windows/intro.md")
        | _best_effort(("1.35", "1.36"), _2019_NOTE, _2019_SOURCE),
        _WINDOWS_SOURCE,
    ),
    _windows(
        "2022",
        "10.0.20348",
        "EC2Launch v2",
        "4.8.1",
        _supported(
            _ALL_MINORS,
            f"kubernetes/website 9953899 content/en/docs/concepts/windows/intro.md; {_SECTIONS_2025}",
        ),
        _WINDOWS_SOURCE,
    ),
    _windows(
        "2025",
        "10.0.26100",
        "EC2Launch v2",
        "4.8.1",
        _supported(("1.35", "1.36"), _SECTIONS_2025),
        _WINDOWS_SOURCE,
    ),
)
OPERATING_SYSTEMS: Mapping[str, OperatingSystem] = MappingProxyType(
    {system.name: system for system in _SYSTEMS}
)


def minor(version: str) -> str:
    """1.35.8 -> 1.35"""
    return ".".join(version.split(".")[:2])


def support(os: OperatingSystem, kubernetes_version: str) -> Support:
    """What is known of the pair; unknown is unsupported."""
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
        for system in _SYSTEMS
        if system.family == os.family and support(system, kubernetes_version).level == "supported"
    ]
    others = f", or {systems[-1].name} with Kubernetes {kubernetes_version}" if systems else ""
    return f"{os.name} with Kubernetes {nearest_version}{others}"
