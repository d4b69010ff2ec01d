"""The root filesystem of a Linux machine: Debian as mmdebstrap makes it, plus the folder rootfs/ laid over
it.

It stands in for the Ubuntu AMI. Only what a stock cloud image has is installed: containerd, runc and
Kubernetes come with the user-data. Where a container differs from a virtual machine, the difference is a
drop-in of an ordinary extension point:

    rootfs/etc/cloud/cloud.cfg.d/90_rehearsal.cfg    user-data from the metadata service, network left as the
    room made it
    rootfs/.../rehearsal_cloud/DataSourceEc2.py      cloud-init's EC2 source with IMDSv2, which it refuses
    without a DMI table
    rootfs/etc/containerd/conf.d/rehearsal.toml      cgroupfs driver, no lowering of oom_score_adj
    rootfs/etc/default/kubelet, /etc/kubelet.d       cgroup v1 allowed, no eviction by the host's disk
    rootfs/etc/systemd/system/rehearsal-machine      /sys/fs/cgroup and /proc/sys/net writable, kernel
    settings shown as kubelet wants
    MASKED_UNITS                                     units that wait for hardware, reach for the network, or
    belong to the host

The two parts are separate store entries: a changed drop-in costs a second, not another installation. The
result is used as the read-only lower layer of each machine; whoever adds to it (a CA, a hostname) does so in
the machine's own layer.
"""

import os
import shutil
from pathlib import Path

from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, files_below, key_of, link_tree

SUITE = "bookworm"
ROOTFS = Path(__file__).parent / "rootfs"

# Each with the reader that needs it.
PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "kmod", "procps"),  # a machine that boots
    *("cloud-init", "python3-minimal"),  # user-data
    *("curl", "ca-certificates", "openssl"),  # user-data: downloads, AWS signatures, the CA's hash
    *(
        "iproute2",
        "iptables",
        "nftables",
        "conntrack",
        "socat",
        "ethtool",
    ),  # kubeadm's preflight, kubelet, kube-proxy
    "iputils-ping",  # people who look around
)

_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")

MASKED_UNITS = {
    "apt-daily.timer": "reaches for the network",
    "apt-daily-upgrade.timer": "reaches for the network",
    "cloud-init-hotplugd.socket": "the room plugs nothing in",
    "dpkg-db-backup.timer": "a machine lives for minutes",
    "e2scrub_all.timer": "the disk is the host's",
    "e2scrub_reap.service": "the disk is the host's",
    "fstrim.timer": "the disk is the host's",
    "getty.target": "nobody logs in, and the console is a pipe",
    "sys-fs-fuse-connections.mount": "the kernel is the host's",
    "sys-kernel-config.mount": "the kernel is the host's",
    "sys-kernel-debug.mount": "the kernel is the host's",
    "sys-kernel-tracing.mount": "the kernel is the host's",
    "systemd-journald-audit.socket": "audit has no namespace",
    "systemd-udev-trigger.service": "devices are the host's",
    "systemd-udevd.service": "devices are the host's",
    "systemd-udevd-control.socket": "devices are the host's",
    "systemd-udevd-kernel.socket": "devices are the host's",
}
_ENABLED_UNITS = {"rehearsal-machine.service": "sysinit.target"}


def debian_step(store: Store) -> Step:
    """The packages, installed into a folder: the slow part."""
    key = key_of(SUITE, *PACKAGES, *_LEFT_OUT)
    return Step(name="machine packages", entry=store.entry("debian", key), build=_install_packages)


def image_step(store: Store, debian: Step) -> Step:
    """The packages and the drop-ins: what a machine boots from."""
    key = key_of(debian.entry.name, ROOTFS, *sorted(MASKED_UNITS), *_ENABLED_UNITS)

    def build(folder: Path, _: Run) -> None:
        link_tree(debian.entry, folder)
        lay_over(ROOTFS, folder)
        set_units(folder)

    return Step(name="machine image", entry=store.entry("machine", key), build=build, needs=(debian.name,))


def _install_packages(folder: Path, run: Run) -> None:
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    # In a mount namespace of its own: if it is killed, what it mounted into the folder is gone with it.
    command = [
        "unshare",
        "--mount",
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        *options,
    ]
    run([*command, f"--include={','.join(PACKAGES)}", SUITE, folder, *package_sources()])
    for name in ("hostname", "resolv.conf"):
        (folder / "etc" / name).unlink(missing_ok=True)
    (folder / "etc/machine-id").write_text("")


def package_sources() -> list[str]:
    """The host's own Debian mirror where the host has the same suite; otherwise mmdebstrap's default."""
    for path in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if path.is_file() and f"{SUITE}-security" in path.read_text():
            return [str(path)]
    return []


def lay_over(source: Path, root: Path) -> None:
    """Put the files of `source` at the same places below `root`, owned by root; a hard-linked file is
    replaced, not rewritten.
    """
    for path in sorted(files_below(source)):
        target = root / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def set_units(root: Path) -> None:
    """Do what `systemctl mask` and `systemctl enable` would do."""
    units = root / "etc/systemd/system"
    for unit in MASKED_UNITS:
        (units / unit).symlink_to("/dev/null")
    for unit, target in _ENABLED_UNITS.items():
        wants = units / f"{target}.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")
