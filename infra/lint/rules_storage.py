"""Rules on the files of volumes: how Windows mounts them, and what it writes to disk."""

import re
from collections.abc import Iterator

from .rule import Rule, Severity
from .subjects import Pod
from .values import Object, dig, labels, mapping, mappings, text

STORAGE = "https://kubernetes.io/docs/concepts/storage/windows-storage/"
INTRO = "https://kubernetes.io/docs/concepts/windows/intro/"
SECURITY = "https://kubernetes.io/docs/concepts/security/windows-security/"
DEFAULT_TERMINATION = "/dev/termination-log"
DEFAULT_MODE = 0o644
SOURCES_WITH_MODE = ("configMap", "secret", "projected", "downwardAPI")
# A password in a connection string or a settings file; a placeholder such as {…}, $(…) or %…% is none.
_PASSWORD = re.compile(r"""(?i)\b(?:password|pwd)["']?\s*[=:]\s*["']?(?![{$%<"'\s;])[^\s;"']{4}""")


def secret_on_disk(pod: Pod) -> Iterator[str]:
    for volume in pod.volumes:
        named = [text(dig(volume, "secret", "secretName"))] if mapping(volume.get("secret")) else []
        named += [
            text(dig(source, "secret", "name"))
            for source in _projected(volume)
            if mapping(source.get("secret"))
        ]
        for name in named:
            yield f"volume {_name(volume)}: Secret {name or '(no name)'}"


def password_in_config(pod: Pod) -> Iterator[str]:
    for volume in pod.volumes:
        names = [text(dig(source, "configMap", "name")) for source in (volume, *_projected(volume))]
        for name in filter(None, names):
            data = pod.declared.config_map(pod.document.namespace, name)
            for key in (key for key, value in labels(data).items() if _PASSWORD.search(value)):
                yield f"volume {_name(volume)}: {key} of ConfigMap {name} seems to hold a password"


def sub_path(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for mount in container.mounts if not container.host_process else ():
            path = text(mount.get("subPath")) or text(mount.get("subPathExpr"))
            if path:
                yield (
                    f"{container.where}: subPath {path} of volume {_name(mount)} at "
                    f"{text(mount.get('mountPath'))}"
                )


def memory_volume(pod: Pod) -> Iterator[str]:
    for volume in pod.volumes:
        if dig(volume, "emptyDir", "medium") == "Memory":
            yield f"volume {_name(volume)}: emptyDir with medium Memory"


def file_mode(pod: Pod) -> Iterator[str]:
    for volume in pod.volumes:
        sources = [mapping(volume.get(kind)) for kind in SOURCES_WITH_MODE]
        modes = [source.get("defaultMode") for source in sources] + [
            item.get("mode") for source in sources for item in _items(source)
        ]
        if any(mode not in (None, DEFAULT_MODE) for mode in modes):
            yield f"volume {_name(volume)}: a file mode"


def termination_message(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        path = text(container.raw.get("terminationMessagePath"))
        if path not in ("", DEFAULT_TERMINATION):
            yield f"{container.where}: terminationMessagePath: {path}"


def mount_propagation(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for mount in container.mounts:
            if mount.get("mountPropagation") not in (None, "None"):
                yield f"{container.where}: mountPropagation of volume {_name(mount)}"


def _name(item: Object) -> str:
    return text(item.get("name")) or "(no name)"


def _projected(volume: Object) -> list[Object]:
    return mappings(dig(volume, "projected", "sources"))


def _items(source: Object) -> list[Object]:
    return mappings(source.get("items"))


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="secret-on-disk",
        severity=_W,
        what="a Secret as files",
        why="Windows nodes write it to their disk in clear text; Linux keeps it in memory.",
        page=SECURITY,
        fix="see that the node's volume is encrypted and the folder's ACL is tight, or use env "
        "valueFrom.secretKeyRef",
        check=secret_on_disk,
    ),
    Rule(
        id="password-in-config",
        severity=_W,
        what="a password in a ConfigMap",
        why="Whoever may read ConfigMaps reads it, and the node writes it to its disk in clear text.",
        page=SECURITY,
        fix="keep the connection string in a Secret and hand it over as an environment variable",
        check=password_in_config,
    ),
    Rule(
        id="sub-path",
        severity=_W,
        what="a part of a volume mounted alone (subPath, a single file)",
        why="Kubernetes counts subPath mounts, of Secrets above all, among what Windows nodes do not "
        "support; files need containerd.",
        page=STORAGE,
        fix="mount the whole volume in a folder of its own and copy the file at start",
        check=sub_path,
    ),
    Rule(
        id="memory-volume",
        severity=_E,
        what="a volume in memory",
        why="Windows has no tmpfs: the volume becomes a plain folder on the node's disk, with whatever is "
        "written there.",
        page=STORAGE,
        fix="remove medium: Memory, and write nothing there that must not reach a disk",
        check=memory_volume,
    ),
    Rule(
        id="file-mode",
        severity=_W,
        what="permission bits on files of a volume",
        why="Windows has access control lists and no permission bits: the mode is ignored.",
        page=STORAGE,
        fix="remove defaultMode and mode",
        check=file_mode,
    ),
    Rule(
        id="termination-message",
        severity=_W,
        what="a termination message at a path of its own",
        why="It is a single mounted file, which Windows knows with limits; the default path works.",
        page=f"{INTRO}#compatibility-v1-pod-spec-containers",
        fix="remove terminationMessagePath",
        check=termination_message,
    ),
    Rule(
        id="mount-propagation",
        severity=_W,
        what="mount propagation",
        why="Windows has none: later mounts of the host stay unseen in the container.",
        page=f"{INTRO}#compatibility-v1-pod",
        fix="remove mountPropagation",
        check=mount_propagation,
    ),
)
