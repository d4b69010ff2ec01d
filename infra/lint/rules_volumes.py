"""Rules on volumes that Windows nodes cannot mount, and on paths of the host."""

from collections.abc import Iterator

from . import host_paths, storage
from .rule import Rule, Severity
from .subjects import Pod
from .values import Object, dig, mapping, mappings, text

STORAGE = "https://kubernetes.io/docs/concepts/storage/windows-storage/"
HOST_PATH = "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath"
# Devices that os.Stat of Go never finds on Windows: it knows no block devices (os/types_windows.go).
_DEVICES = ("BlockDevice", "CharDevice")
# Types that ask the kubelet whether the path is there (pkg/volume/hostpath/host_path.go, checkTypeInternal).
_MUST_EXIST = ("Directory", "File", "Socket")


def volume_type(pod: Pod) -> Iterator[str]:
    yield from storage.of_pod(pod)
    for volume in pod.volumes:
        if text(dig(volume, "emptyDir", "medium")).startswith("HugePages"):
            yield f"volume {_name(volume)}: emptyDir with huge pages"
    for container in pod.containers:
        if mappings(container.raw.get("volumeDevices")):
            yield f"{container.where}: volumeDevices (raw block devices)"
        amounts = {
            **mapping(dig(container.raw, "resources", "requests")),
            **mapping(dig(container.raw, "resources", "limits")),
        }
        yield from (f"{container.where}: {name}" for name in amounts if text(name).startswith("hugepages-"))


def recursive_read_only(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for mount in container.mounts:
            if mount.get("recursiveReadOnly") == "Enabled":
                yield f"{container.where}: recursiveReadOnly of volume {_name(mount)}"


def host_path_refused(pod: Pod) -> Iterator[str]:
    for volume, path, kind in _host_paths(pod):
        if kind in _DEVICES and path.upper() != "NUL":
            yield f"volume {_name(volume)}: hostPath {path} of type {kind}"
        elif kind in _MUST_EXIST and host_paths.is_linux(path):
            yield f"volume {_name(volume)}: hostPath {path}, which must be there as a {kind}"


def host_path(pod: Pod) -> Iterator[str]:
    for volume, path, kind in _host_paths(pod):
        if kind not in (*_DEVICES, *_MUST_EXIST) and host_paths.is_linux(path):
            yield f"volume {_name(volume)}: hostPath {path}"


def _host_paths(pod: Pod) -> Iterator[tuple[Object, str, str]]:
    for volume in pod.volumes:
        if path := text(dig(volume, "hostPath", "path")):
            yield volume, path.rstrip("/") or "/", text(dig(volume, "hostPath", "type"))


def _name(item: Object) -> str:
    return text(item.get("name")) or "(no name)"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="volume-type",
        severity=_E,
        what="storage that Windows nodes do not have, also behind a claim or a class of the set",
        why="NFS and its like, raw block devices and huge pages are not supported on Windows nodes; many "
        "CSI drivers are for Linux only.",
        page=STORAGE,
        fix="use EBS or SMB through a CSI driver that supports Windows",
        check=volume_type,
    ),
    Rule(
        id="recursive-read-only",
        severity=_E,
        what="a mount that must be read-only with all that is mounted below it",
        why="The kubelet starts no container with recursiveReadOnly: Enabled where the runtime does not "
        "have it, and none for Windows has.",
        page="https://kubernetes.io/docs/concepts/storage/volumes/#recursive-read-only-mounts",
        fix="readOnly: true alone, or recursiveReadOnly: IfPossible",
        check=recursive_read_only,
    ),
    Rule(
        id="host-path-refused",
        severity=_E,
        what="a path of the host that no Windows node has",
        why="The kubelet looks whether the path is there and of its type; without it the volume is not "
        "mounted and the pod does not start.",
        page=HOST_PATH,
        fix="name a path of Windows, or type DirectoryOrCreate",
        check=host_path_refused,
    ),
    Rule(
        id="host-path",
        severity=_W,
        what="a path of the host that only Linux fills",
        why="On Windows the path is an empty folder of drive C:, made for the pod: what it should hold is "
        "not there.",
        page=HOST_PATH,
        fix=r"name a path of Windows, e.g. C:\ProgramData, or a pipe such as \\.\pipe\containerd-containerd",
        check=host_path,
    ),
)
