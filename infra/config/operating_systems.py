"""The operating systems that nodes can have: a row each, with its sources. Data; pure.

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
    # The .NET Framework of the newest base image of this release.
    dotnet: str = ""
    # The builds of the images that start on it.
    runs: frozenset[str] = frozenset()
    supports: Mapping[str, Support] = field(default_factory=dict[str, Support])
    source: str

    @property
    def missing(self) -> list[str]:
        """List the columns that the row lacks: without an image nothing starts, without a build nobody
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
    release: str,
    build: str,
    launch_agent: str,
    dotnet: str,
    supports: Mapping[str, Support],
    source: str,
    also_runs: str = "",
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
        dotnet=dotnet,
        runs=frozenset({build, *also_runs.split()}),
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
        # Alone of all, by version-compatibility.md.
        also_runs="10.0.20348",
    ),
)
OPERATING_SYSTEMS: Mapping[str, OperatingSystem] = MappingProxyType(
    {system.name: system for system in _SYSTEMS}
)
WINDOWS_RELEASES: Mapping[str, OperatingSystem] = MappingProxyType(
    {system.name.removeprefix("windows-"): system for system in _SYSTEMS if system.family == "windows"}
)
