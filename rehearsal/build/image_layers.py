"""Make the layers of the container images from built binaries and the files of Debian packages."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rehearsal.build.errors import SuppliesError
from rehearsal.build.oci import Layer

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
