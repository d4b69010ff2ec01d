"""The container images of the rehearsal, under their real references.

Kubernetes, etcd, CoreDNS, Flannel and pause are the publishers' sources, built here. Three images are
stand-ins and say so in their label: flannel's CNI plugin (tools/flannel-cni), nginx-unprivileged (Debian's
nginx) and busybox (Debian's busybox). iptables, conntrack and their libraries are Debian's.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from infra.config import versions as matrix
from rehearsal.build.base_image import SUITE, package_sources
from rehearsal.build.errors import SuppliesError
from rehearsal.build.image_layers import Kit, Parts
from rehearsal.build.oci import Image, Layer, Layout
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of

FLANNEL = "ghcr.io/flannel-io/flannel:v{version}"
FLANNEL_CNI_PLUGIN = "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3"
NGINX = "docker.io/nginxinc/nginx-unprivileged:1.30.5-alpine-slim"
BUSYBOX = "docker.io/library/busybox:1.37"

_PARTS = ("busybox-static", "conntrack", "iptables", "nftables", "nginx-light")
_STAND_IN = "stand-in of the Microcosm rehearsal: "
_BUILT = "built for the Microcosm rehearsal from the sources of "


def parts_step(store: Store) -> Step:
    """Debian packages that images are made of, unpacked and not installed."""

    def build(folder: Path, run: Run) -> None:
        options = ("--mode=root", "--variant=extract", "--format=directory", f"--include={','.join(_PARTS)}")
        run(["unshare", "--mount", "mmdebstrap", *options, SUITE, folder, *package_sources()])

    return Step(name="image parts", entry=store.entry("parts", key_of(SUITE, *_PARTS)), build=build)


def images_step(store: Store, parts: Step, tools: Mapping[str, Step], versions: Mapping[str, str]) -> Step:
    """All images in one OCI layout. `tools` are the steps of the binaries that go in, by folder name."""
    needs = [
        parts,
        *(tools[name] for name in ("kubernetes", "pause", "etcd", "coredns", "flannel", "flannel-cni")),
    ]
    sources = [Path(__file__), *(Path(__file__).with_name(name) for name in ("image_layers.py", "oci.py"))]
    key = key_of(*sources, *(step.entry.name for step in needs))

    def build(folder: Path, run: Run) -> None:
        layout = Layout(folder)
        binaries = {path.name: path for step in needs[1:] for path in step.entry.iterdir()}
        wanted = kubeadm_images(binaries["kubeadm"], versions["kubernetes"])
        if wrong := unlike(wanted, versions):
            raise SuppliesError(
                f"kubeadm {versions['kubernetes']} asks for other versions than tools/kubernetes pins: "
                f"{', '.join(wrong)}"
            )
        for image in all_images(Kit(Parts(parts.entry), binaries), wanted, versions):
            layout.add(image)
        layout.finish()

    return Step(
        name="container images",
        entry=store.entry("images", key),
        build=build,
        needs=tuple(step.name for step in needs),
    )


def kubeadm_images(kubeadm: Path, version: str) -> dict[str, str]:
    """The references that this kubeadm will ask for, by the image's last name."""
    command = [str(kubeadm), "config", "images", "list", "--kubernetes-version", f"v{version}"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {reference.rsplit("/", 1)[-1].partition(":")[0]: reference for reference in listed}


def unlike(wanted: Mapping[str, str], versions: Mapping[str, str]) -> list[str]:
    """Say which of kubeadm's own images would have another version in them than their tag says (etcd's
    ends with a build number).
    """
    tags = {
        name: wanted[name].rpartition(":")[2].removeprefix("v").partition("-")[0]
        for name in ("etcd", "coredns")
    }
    return [f"{name} {tag}, not {versions[name]}" for name, tag in tags.items() if tag != versions[name]]


def all_images(kit: Kit, wanted: Mapping[str, str], versions: Mapping[str, str]) -> list[Image]:
    """`wanted` are kubeadm's references by the image's last name, `versions` the pins by folder of tools/."""
    return [
        *_kubernetes_images(kit, wanted, versions["kubernetes"]),
        *_pulled_by_kubeadm(kit, wanted, versions),
        *_network_images(kit, versions),
        *_pages(kit),
    ]


def _kubernetes_images(kit: Kit, wanted: Mapping[str, str], version: str) -> list[Image]:
    origin = f"{_BUILT}Kubernetes {version}"
    under: dict[str, tuple[Layer, ...]] = dict.fromkeys(
        ("kube-apiserver", "kube-controller-manager", "kube-scheduler"), (kit.base,)
    )
    under["kube-proxy"] = (kit.base, kit.shell, kit.iptables)
    return [
        Image(
            reference=wanted[name],
            layers=(*layers, kit.program(name, f"/usr/local/bin/{name}")),
            origin=origin,
        )
        for name, layers in under.items()
    ]


def _pulled_by_kubeadm(kit: Kit, wanted: Mapping[str, str], versions: Mapping[str, str]) -> list[Image]:
    pause = kit.program("pause", "/pause")
    pause_origin = f"{_BUILT}Kubernetes {versions['kubernetes']}, build/pause"
    etcd = Image(
        reference=wanted["etcd"],
        layers=(kit.base, kit.program("etcd", "/usr/local/bin/etcd")),
        origin=f"{_BUILT}etcd {versions['etcd']}",
    )
    coredns = Image(
        reference=wanted["coredns"],
        layers=(kit.base, kit.program("coredns", "/coredns")),
        origin=f"{_BUILT}CoreDNS {versions['coredns']}",
        entrypoint=("/coredns",),
    )
    # kubeadm pulls one pause image and containerd is told another, from Kubernetes 1.36 on the same.
    sandbox = matrix.pause_image(versions["kubernetes"])
    pauses = (
        Image(
            reference=reference,
            layers=(pause,),
            origin=pause_origin,
            entrypoint=("/pause",),
            user="65535:65535",
        )
        for reference in sorted({wanted["pause"], sandbox})
    )
    return [etcd, coredns, *pauses]


def _network_images(kit: Kit, versions: Mapping[str, str]) -> list[Image]:
    # The two programs that the published image has in /opt/bin (flannel-io/flannel v0.28.9,
    # images/Dockerfile, which also has a script for Docker); its Alpine has busybox, whose shell the
    # DaemonSet's hook uses.
    programs = tuple(kit.program(name, f"/opt/bin/{name}") for name in ("flanneld", "install-conf"))
    flannel = Image(
        reference=FLANNEL.format(version=versions["flannel"]),
        layers=(kit.base, kit.shell, kit.iptables, *programs),
        origin=f"{_BUILT}Flannel {versions['flannel']}",
        entrypoint=("/opt/bin/flanneld",),
    )
    plugin = Image(
        reference=FLANNEL_CNI_PLUGIN,
        layers=(kit.base, kit.shell, kit.program("flannel-cni", "/flannel")),
        origin=f"{_STAND_IN}tools/flannel-cni in place of flannel-io/cni-plugin",
    )
    return [flannel, plugin]


def _pages(kit: Kit) -> list[Image]:
    """The web server, and a shell to ask it from."""
    nginx = Image(
        reference=NGINX,
        layers=(kit.base, kit.shell, kit.nginx),
        origin=f"{_STAND_IN}Debian's nginx, which runs as user 101 on port 8080",
        command=("nginx", "-g", "daemon off;"),
        user="101",
        ports=(8080,),
    )
    return [
        nginx,
        Image(
            reference=BUSYBOX,
            layers=(kit.base, kit.shell),
            origin=f"{_STAND_IN}Debian's busybox",
            command=("sh",),
        ),
    ]
