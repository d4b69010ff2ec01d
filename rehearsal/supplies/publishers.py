"""Take from publishers what the rehearsal otherwise builds: addresses, the programs in each file, and sums.

Addresses and names of files are those of the publishers' release pages and workflows, each named beside its row.
What is not in the table has no publisher and is built: the aws provider, fake-cri, flannel-cni.
"""

import json
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rehearsal.supplies.artifacts import BOM_NAME, LINUX, MIRROR_NAME, mirrored_path
from rehearsal.supplies.download import Download, Downloader
from rehearsal.supplies.errors import SuppliesError
from rehearsal.supplies.steps import Run, Step
from rehearsal.supplies.store import Store, key_of, link_file
from rehearsal.supplies.toolchain import GoTool, adopt_installed

PINS = Path(__file__).with_name("pins.json")
_K8S = "https://dl.k8s.io"
_GITHUB = "https://github.com/{repository}/releases/download/v{{version}}/"
_API = "https://api.github.com/repos/{repository}/releases/tags/v{{version}}"
_CONTAINERD = _GITHUB.format(repository="containerd/containerd") + "containerd-{version}-linux-amd64.tar.gz"
_CNI = _GITHUB.format(repository="containernetworking/plugins") + "cni-plugins-linux-amd64-v{version}.tgz"
_RUNC = _GITHUB.format(repository="opencontainers/runc")
_ETCD = _GITHUB.format(repository="etcd-io/etcd")
_FLANNEL = _GITHUB.format(repository="flannel-io/flannel")
_FLANNEL_API = _API.format(repository="flannel-io/flannel")
_PULUMI = _GITHUB.format(repository="pulumi/pulumi")
_PULUMI_KUBERNETES = _GITHUB.format(repository="pulumi/pulumi-kubernetes")
ALGORITHMS = ("sha256", "sha512")
WINDOWS = "windows/amd64"
_NODE = f"{_K8S}/v{{version}}/kubernetes-node-windows-amd64.tar.gz"
# kube-proxy runs in its image alone; the others also without a machine (rehearsal/faked).
_COMMANDS = ("kubeadm", "kubectl", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_LANGUAGE = "pulumi-language-python"

Pins = Mapping[str, Mapping[str, str]]  # sums by address, by algorithm


@dataclass(frozen=True, kw_only=True)
class Published:
    """One file: `programs` by the path that each has in the archive; an empty path is the file itself."""

    url: str
    sums_url: str
    programs: Mapping[str, str]

    def of(self, version: str, pins: Pins) -> Download:
        """The file of a version, with the sum that is pinned for it."""
        url = self.url.format(version=version)
        return Download(url=url, sums=pins.get(url, {}), sums_url=self.sums_url.format(version=version))


def _inside(folder: str, *programs: str) -> dict[str, str]:
    return {program: f"{folder}{program}" for program in programs}


# By the name of the tool in rehearsal/supplies/toolchain.py.
PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    # kubernetes.io/releases/download: each program with its .sha256 beside it.
    "kubernetes": tuple(
        Published(
            url=f"{_K8S}/release/v{{version}}/bin/linux/amd64/{name}",
            sums_url=f"{_K8S}/release/v{{version}}/bin/linux/amd64/{name}.sha256",
            programs={name: ""},
        )
        for name in _COMMANDS
    ),
    "kubernetes-windows": (
        Published(
            url=_NODE,
            sums_url=f"{_NODE}.sha512",
            programs=_inside("kubernetes/node/bin/", "kubeadm.exe", "kubelet.exe", "kube-proxy.exe"),
        ),
    ),
    # containerd v2.2.7, .github/workflows/release.yml: a .sha256sum for each archive.
    "containerd": (
        Published(
            url=_CONTAINERD,
            sums_url=f"{_CONTAINERD}.sha256sum",
            programs=_inside("bin/", "containerd", "containerd-shim-runc-v2", "ctr"),
        ),
    ),
    # opencontainers/runc v1.3.6, script/release_build.sh: one list of sums.
    "runc": (Published(url=f"{_RUNC}runc.amd64", sums_url=f"{_RUNC}runc.sha256sum", programs={"runc": ""}),),
    # containernetworking/plugins v1.9.1, scripts/release.sh.
    "cni-plugins": (
        Published(
            url=_CNI,
            sums_url=f"{_CNI}.sha256",
            programs=_inside("", "bridge", "host-local", "loopback", "portmap"),
        ),
    ),
    # No list of sums is published: GitHub's own digest of the file.
    "flannel": (
        Published(
            url=f"{_FLANNEL}flanneld-amd64",
            sums_url=_FLANNEL_API,
            programs={"flanneld": ""},
        ),
    ),
    "flannel-windows": (
        Published(
            url=f"{_FLANNEL}flanneld.exe",
            sums_url=_FLANNEL_API,
            programs={"flanneld.exe": ""},
        ),
    ),
    # etcd-io/etcd v3.6.12, scripts/release.sh.
    "etcd": (
        Published(
            url=f"{_ETCD}etcd-v{{version}}-linux-amd64.tar.gz",
            sums_url=f"{_ETCD}SHA256SUMS",
            programs=_inside("etcd-v{version}-linux-amd64/", "etcd"),
        ),
    ),
    # pulumi/pulumi, .github/workflows/release.yml; the language host and its script lie beside the command.
    "pulumi": (
        Published(
            url="https://get.pulumi.com/releases/sdk/pulumi-v{version}-linux-x64.tar.gz",
            sums_url=f"{_PULUMI}pulumi-{{version}}-checksums.txt",
            programs=_inside("pulumi/", "pulumi", _LANGUAGE, f"{_LANGUAGE}-exec"),
        ),
    ),
    "pulumi-kubernetes": (
        Published(
            url=f"{_PULUMI_KUBERNETES}pulumi-resource-kubernetes-v{{version}}-linux-amd64.tar.gz",
            sums_url=_API.format(repository="pulumi/pulumi-kubernetes"),
            programs=_inside("", "pulumi-resource-kubernetes"),
        ),
    ),
}


# One address of each registry from which images come.
REGISTRIES = tuple(f"https://{host}/v2/" for host in ("registry.k8s.io", "ghcr.io", "registry-1.docker.io"))


def pinned(bom: Path) -> Pins:
    """Read all sums that are pinned: in the bill of materials, and for the rehearsal's own downloads."""
    materials: dict[str, Any] = json.loads(bom.read_text())
    pins: dict[str, Any] = json.loads(PINS.read_text())["files"]
    for system in (LINUX, WINDOWS):
        pins |= {entry["url"]: entry for entry in materials[system].values()}
    return {url: {name: pin[name] for name in ALGORITHMS if name in pin} for url, pin in pins.items()}


def probes(tools: Iterable[GoTool], downloader: Downloader, registry: str) -> list[str]:
    """One address of each publisher: if all answer, the downloads can be had."""
    files = [file.of(tool.pinned_version, {}) for tool in tools for file in PUBLISHED.get(tool.name, ())]
    addresses = [address for file in files for address in (file.url, file.sums_url)]
    by_host = {urlsplit(address).netloc: downloader.address(address) for address in addresses}
    return [*by_host.values(), *([f"{registry.rstrip('/')}/v2/"] if registry else REGISTRIES)]


def published_step(store: Store, tool: GoTool, downloader: Downloader, pins: Pins) -> Step:
    """Download one tool's programs, unless the pinned version is installed already."""
    files = PUBLISHED[tool.name]
    wanted = [file.of(tool.pinned_version, pins) for file in files]
    key = key_of(
        *(f"{file.url} {sorted(file.sums.items())}" for file in wanted),
        *(str(file.programs) for file in files),
    )

    def build(folder: Path, run: Run) -> None:
        if adopt_installed(tool, folder):
            return
        for file, download in zip(files, wanted, strict=True):
            path = downloader.fetch(download, run.say)
            unpack(
                path,
                {name: inside.format(version=tool.pinned_version) for name, inside in file.programs.items()},
                folder,
            )

    return Step(name=f"download {tool.name}", entry=store.entry(f"{tool.name}-published", key), build=build)


def unpack(path: Path, programs: Mapping[str, str], folder: Path) -> None:
    """Put the programs of a publisher's file into a folder."""
    if [*programs.values()] == [""]:
        (program,) = programs
        link_file(path, folder / program)
        (folder / program).chmod(0o755)
        return
    wanted = {inside: program for program, inside in programs.items()}
    with tarfile.open(path) as archive:
        for member in archive:
            program = wanted.pop(member.name.removeprefix("./"), None)
            content = archive.extractfile(member) if program else None
            if program and content:
                with content, (folder / program).open("wb") as target:
                    shutil.copyfileobj(content, target)
                (folder / program).chmod(0o755)
    if wanted:
        missing = ", ".join(wanted)
        raise SuppliesError(f"{path} has no {missing}: correct its row in rehearsal/supplies/publishers.py")


def mirror_step(store: Store, bom: Path, downloader: Downloader) -> Step:
    """Lay out the artifact mirror: the publishers' own files, and the product's own bill of materials."""

    def build(folder: Path, run: Run) -> None:
        for entry in json.loads(bom.read_text())[LINUX].values():
            wanted = Download(url=entry["url"], sums={"sha256": entry["sha256"]})
            link_file(downloader.fetch(wanted, run.say), folder / MIRROR_NAME / mirrored_path(wanted.url))
        shutil.copyfile(bom, folder / BOM_NAME)

    return Step(name="download artifacts", entry=store.entry("artifacts-published", key_of(bom)), build=build)
