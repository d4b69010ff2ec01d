"""Requirements of the host: root, Debian packages (installed in one go when one is missing) and one kernel
module.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from rehearsal.build.errors import SuppliesError
from rehearsal.build.steps import Run

BRIDGE_SETTINGS = Path("/proc/sys/net/bridge")
# Package -> its reader. What every rehearsal needs:
LINUX_PACKAGES = {
    "ca-certificates": "downloads",
    "conntrack": "the room",
    "debian-archive-keyring": "mmdebstrap",
    "iproute2": "the room's networks",
    "iptables": "the room's networks",
    "kmod": "br_netfilter",
    "mmdebstrap": "the machines' root filesystem",
    "nftables": "the room's networks",
    "systemd-container": "the room's machines",
}
# Packages for the build:
BUILD_PACKAGES = {
    "gcc": "runc, flanneld and pause are C as well as Go",
    "libc6-dev": "gcc",
    "libseccomp-dev": "runc",
    "pkg-config": "runc",
    "zstd": "container images",
}
# Packages for the download:
DOWNLOAD_PACKAGES = {"skopeo": "container images"}
# A rehearsal with a Windows pool:
STAND_IN_PACKAGES = {
    "libmono-system-servicemodel-web4.0-cil": "CCAuth behind the Windows stand-in",
    "mono-mcs": "CCAuth behind the Windows stand-in",
    "mono-runtime": "CCAuth behind the Windows stand-in",
}
# An MSI of the example:
OWN_IMAGE_PACKAGES = {"msitools": "tests that read MSIs", "wixl": "the example's MSI"}
# The check of the real Windows binaries:
WINE_PACKAGES = {
    "gcc-mingw-w64-x86-64-win32": "two DLLs that Wine lacks",
    "wine": "the Windows binaries",
    "wine64": "the Windows binaries",
}


def missing_packages(packages: Iterable[str]) -> list[str]:
    """Those that dpkg does not call installed."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    lines = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    installed = {line.split()[0] for line in lines if line.endswith(" installed")}
    return sorted(set(packages) - installed)


def require_host() -> None:
    """The rehearsal makes machines and networks out of the kernel's parts, so it must be root on a Debian
    of this kind.
    """
    if os.geteuid() != 0:
        raise SuppliesError(
            "a rehearsal makes network namespaces and machines, for which it must be root: run it with sudo"
        )
    if os.uname().machine != "x86_64":
        raise SuppliesError(f"a rehearsal builds for x86_64, and this host is {os.uname().machine}")
    for program in ("dpkg-query", "apt-get"):
        if shutil.which(program) is None:
            raise SuppliesError(
                f"{program} is not here: a rehearsal takes what the host lacks from Debian, so run it on "
                f"Debian 12 or newer"
            )


def require_bridge_filter() -> None:
    """The one module that no use of it loads: a machine cannot load it, and its user-data rightly refuses
    to go on without it.
    """
    if BRIDGE_SETTINGS.is_dir():
        return
    loaded = subprocess.run(["modprobe", "br_netfilter"], capture_output=True, text=True, check=False)
    if loaded.returncode:
        raise SuppliesError(
            f"the host's kernel has no br_netfilter, which Flannel and kube-proxy need: "
            f"{loaded.stderr.strip()}"
        )


def install(packages: list[str], run: Run) -> None:
    """With the package lists that are there; if they are out of date, with new ones."""
    apt = ("apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    command = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    try:
        run(command, env=quiet)
    except SuppliesError:
        run([*apt, "update"], env=quiet)
        run(command, env=quiet)
