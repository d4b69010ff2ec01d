"""The container images of the rehearsal, under their real references.

Kubernetes, etcd, CoreDNS, Flannel and pause are the publishers' sources, built here. Three images are
stand-ins and say so in their label: flannel's CNI plugin (tools/flannel-cni), nginx-unprivileged (Debian's
nginx) and busybox (Debian's busybox). iptables, conntrack and their libraries are Debian's.
"""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.config import versions as matrix
from rehearsal.build.base_image import SUITE, package_sources
from rehearsal.build.errors import SuppliesError
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
_XTABLES_NAMES = (
    "iptables",
    "iptables-restore",
    "iptables-save",
    "ip6tables",
    "ip6tables-restore",
    "ip6tables-save",
)
_USERS = """\
root:x:0:0:root:/root:/bin/sh
nginx:x:101:101:nginx:/nonexistent:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
"""
_GROUPS = """\
root:x:0:
nginx:x:101:
nogroup:x:65534:
"""
_NGINX_CONF = """\
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    access_log /dev/stdout;
    server { listen 8080; root /usr/share/nginx/html; }
}
"""


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
    sources = [Path(__file__), Path(__file__).with_name("oci.py")]
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


@dataclass(frozen=True)
class Parts:
    """Debian's files, and the libraries that its programs need."""

    root: Path

    def program(self, path: str) -> dict[str, Path]:
        """A program, its libraries and the dynamic linker, by their paths in the image."""
        command = ["chroot", str(self.root), "/lib64/ld-linux-x86-64.so.2", "--list", path]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        if listed.returncode:
            raise SuppliesError(f"the libraries of Debian's {path} cannot be found: {listed.stderr.strip()}")
        libraries = {word for word in listed.stdout.split() if word.startswith("/")}
        return {name: self.resolve(name) for name in {path, *libraries}}

    def programs(self, paths: Iterable[str]) -> dict[str, Path]:
        return {name: source for path in paths for name, source in self.program(path).items()}

    def resolve(self, path: str) -> Path:
        """The file behind a path of the image: its symbolic links are followed inside the image."""
        here = self.root / path.lstrip("/")
        while here.is_symlink():
            target = here.readlink()
            here = self.root / str(target).lstrip("/") if target.is_absolute() else here.parent / target
        return here


@dataclass(frozen=True)
class Kit:
    """The layers that images are put together from; each is made once, so that images share it."""

    parts: Parts
    binaries: Mapping[str, Path]

    def program(self, name: str, path: str) -> Layer:
        return Layer(files={path: self.binaries[name]})

    @cached_property
    def base(self) -> Layer:
        """Add the files that every program expects."""
        texts = {"/etc/passwd": _USERS, "/etc/group": _GROUPS, "/etc/nsswitch.conf": "hosts: files dns\n"}
        return Layer(texts=texts, folders=("/tmp", "/run", "/var/run"))  # noqa: S108  paths inside the image

    @cached_property
    def shell(self) -> Layer:
        """busybox under all its names: a shell, cp for Flannel's init container, wget for probes."""
        busybox = self.parts.resolve("/bin/busybox")
        applets = subprocess.run(
            [str(busybox), "--list"], capture_output=True, text=True, check=True
        ).stdout.split()
        return Layer(
            files={"/bin/busybox": busybox},
            links={f"/bin/{name}": "busybox" for name in applets if name != "busybox"},
        )

    @cached_property
    def iptables(self) -> Layer:
        """Add the iptables that kube-proxy and flanneld run. The nft flavour, as on the machine itself."""
        programs = ("/usr/sbin/xtables-nft-multi", "/usr/sbin/nft", "/usr/sbin/conntrack")
        # Extensions are loaded by name and need libraries of their own: `statistic`, which kube-proxy uses,
        # needs libm.
        folder = "usr/lib/x86_64-linux-gnu/xtables"
        extensions = [f"/{folder}/{path.name}" for path in sorted((self.parts.root / folder).iterdir())]
        files = self.parts.programs((*programs, *extensions))
        return Layer(files=files, links={f"/usr/sbin/{name}": "xtables-nft-multi" for name in _XTABLES_NAMES})

    @cached_property
    def nginx(self) -> Layer:
        return Layer(
            files=self.parts.program("/usr/sbin/nginx"),
            texts={"/etc/nginx/nginx.conf": _NGINX_CONF, "/usr/share/nginx/html/index.html": "It works.\n"},
            folders=("/var/log/nginx", "/var/lib/nginx"),
        )


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
