"""Write the files that distinguish a machine's disk from the base image, and keep its logs after its end."""

import hashlib
import os
from pathlib import Path

from rehearsal.hosts.layout import MachinePaths
from rehearsal.hosts.model import Instance

# Folders below /var/lib that are bind mounts from the host and not part of the overlay (see boot-machine.sh).
DATA = ("containerd", "kubelet", "etcd")
_BUNDLE = Path("etc/ssl/certs/ca-certificates.crt")
# update-ca-certificates keeps the CA only if it is here.
_CA = Path("usr/local/share/ca-certificates/rehearsal.crt")

# kubeadm's SystemVerification reads this file if the kernel has no /proc/config.gz (k8s.io/system-validators,
# kernel_validator.go).
_KERNEL_CONFIG = Path(f"/boot/config-{os.uname().release}")


def prepare(paths: MachinePaths, instance: Instance, base: Path, ca: bytes) -> None:
    """Create a disk with the files that the base image cannot hold."""
    for folder in ("upper", "work", "root", *(f"data/{name}" for name in DATA)):
        (paths.folder / folder).mkdir(parents=True)
    for path, content in _files(instance, base, ca).items():
        file = paths.upper / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _files(instance: Instance, base: Path, ca: bytes) -> dict[Path, bytes]:
    machine_id = hashlib.sha256(instance.id.encode()).hexdigest()[:32]
    return {
        Path("etc/hostname"): f"{instance.hostname}\n".encode(),
        Path("etc/machine-id"): f"{machine_id}\n".encode(),
        Path(
            "etc/resolv.conf"
        ): f"nameserver {instance.subnet.resolver}\nsearch {instance.domain}\n".encode(),
        _BUNDLE: (base / _BUNDLE).read_bytes() + ca,
        _CA: ca,
        **(
            {_KERNEL_CONFIG.relative_to("/"): _KERNEL_CONFIG.read_bytes()} if _KERNEL_CONFIG.is_file() else {}
        ),
    }


def keep_logs(paths: MachinePaths, logs: Path) -> None:
    """Move the console log and /var/log out of the machine's folder. Renaming takes no time."""
    logs.mkdir(parents=True, exist_ok=True)
    for source, name in ((paths.console, "console.log"), (paths.upper / "var/log", "var-log")):
        if source.exists():
            source.rename(logs / name)
