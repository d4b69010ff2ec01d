"""Take from publishers what the rehearsal otherwise builds: addresses, the programs in each file, and sums.

What is not in the table has no publisher and is built: the aws provider, fake-cri, flannel-cni.
"""

import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rehearsal.build.artifacts import BOM_NAME, LINUX, MIRROR_NAME, mirrored_path
from rehearsal.build.download import Download, Downloader
from rehearsal.build.errors import SuppliesError
from rehearsal.build.go_tool import GoTool, adopt_installed
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of, link_file

PINS = Path(__file__).with_name("pins.json")
ALGORITHMS = ("sha256", "sha512")
WINDOWS = "windows/amd64"
_K8S = "https://dl.k8s.io"
_GITHUB = re.compile(r"https://github\.com/(?P<repository>[\w.-]+/[\w.-]+)/releases/download/(?P<tag>[^/]+)/")
# kube-proxy runs in its image alone; the others also without a machine (rehearsal/simulated).
_COMMANDS = ("kubeadm", "kubectl", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_LANGUAGE = "pulumi-language-python"

Pins = Mapping[str, Mapping[str, str]]  # sums by address, by algorithm


@dataclass(frozen=True, kw_only=True)
class Published:
    """One file: `programs` by the path that each has in the archive; an empty path is the file itself."""

    url: str
    programs: Mapping[str, str]

    def of(self, version: str, pins: Pins) -> Download:
        """Name the file of a version, with the sum that is pinned for it."""
        url = self.url.format(version=version)
        return Download(url=url, sums=pins.get(url, {}), sums_url=sums_url(url))


def sums_url(url: str) -> str:
    """Say where a publisher gives the sum of a file.

    GitHub's API has the digest of each file of a release since June 2025 (github.blog/changelog/2025-06-03).
    dl.k8s.io has a .sha256 beside each program (kubernetes.io/docs/tasks/tools), a .sha512 beside an archive.
    """
    if found := _GITHUB.match(url):
        return f"https://api.github.com/repos/{found['repository']}/releases/tags/{found['tag']}"
    return f"{url}.{'sha512' if url.endswith('.tar.gz') else 'sha256'}"


def _kubernetes_program(name: str) -> Published:
    return Published(url=f"{_K8S}/release/v{{version}}/bin/linux/amd64/{name}", programs={name: ""})


def _release(repository: str, file: str, programs: Mapping[str, str]) -> tuple[Published, ...]:
    """One file of a GitHub release."""
    url = f"https://github.com/{repository}/releases/download/v{{version}}/{file}"
    return (Published(url=url, programs=programs),)


def _inside(folder: str, *programs: str) -> dict[str, str]:
    return {program: f"{folder}{program}" for program in programs}


# By the name of the tool in rehearsal/build/toolchain.py.
PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "kubernetes": tuple(_kubernetes_program(name) for name in _COMMANDS),
    "kubernetes-windows": (
        Published(
            url=f"{_K8S}/v{{version}}/kubernetes-node-windows-amd64.tar.gz",
            programs=_inside("kubernetes/node/bin/", "kubeadm.exe", "kubelet.exe", "kube-proxy.exe"),
        ),
    ),
    "containerd": _release(
        "containerd/containerd",
        "containerd-{version}-linux-amd64.tar.gz",
        _inside("bin/", "containerd", "containerd-shim-runc-v2", "ctr"),
    ),
    "runc": _release("opencontainers/runc", "runc.amd64", {"runc": ""}),
    "cni-plugins": _release(
        "containernetworking/plugins",
        "cni-plugins-linux-amd64-v{version}.tgz",
        _inside("", "bridge", "host-local", "loopback", "portmap"),
    ),
    # flannel v0.28.9, .github/workflows/release.yaml uploads dist/flannel* of `make release`.
    "flannel": _release("flannel-io/flannel", "flanneld-amd64", {"flanneld": ""}),
    "flannel-windows": _release("flannel-io/flannel", "flanneld.exe", {"flanneld.exe": ""}),
    "etcd": _release(
        "etcd-io/etcd",
        "etcd-v{version}-linux-amd64.tar.gz",
        _inside("etcd-v{version}-linux-amd64/", "etcd"),
    ),
    # The language host and its script lie beside the command.
    "pulumi": _release(
        "pulumi/pulumi",
        "pulumi-v{version}-linux-x64.tar.gz",
        _inside("pulumi/", "pulumi", _LANGUAGE, f"{_LANGUAGE}-exec"),
    ),
    "pulumi-kubernetes": _release(
        "pulumi/pulumi-kubernetes",
        "pulumi-resource-kubernetes-v{version}-linux-amd64.tar.gz",
        _inside("", "pulumi-resource-kubernetes"),
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
        raise SuppliesError(f"{path} has no {missing}: correct its row in rehearsal/build/publishers.py")


def mirror_step(store: Store, bom: Path, downloader: Downloader) -> Step:
    """Lay out the artifact mirror: the publishers' own files, and the product's own bill of materials."""

    def build(folder: Path, run: Run) -> None:
        for entry in json.loads(bom.read_text())[LINUX].values():
            wanted = Download(url=entry["url"], sums={"sha256": entry["sha256"]})
            link_file(downloader.fetch(wanted, run.say), folder / MIRROR_NAME / mirrored_path(wanted.url))
        shutil.copyfile(bom, folder / BOM_NAME)

    return Step(name="download artifacts", entry=store.entry("artifacts-published", key_of(bom)), build=build)
