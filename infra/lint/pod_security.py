"""The Pod Security levels baseline and restricted, and what they refuse.

Source: k8s.io/pod-security-admission v0.35.8 policy/check_*.go, as of the version that a namespace enforces.
Since version 1.25 the level restricted leaves out three checks for a pod whose spec.os.name is windows, and
for no other pod of Windows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .placement import WINDOWS
from .subjects import Pod
from .values import Object, dig, items, mapping, mappings, number, text, texts

ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("baseline", "restricted")
_LATEST = 10_000
_VERSION = re.compile(r"v1\.([0-9]{1,4})", re.ASCII)
_CAPABILITIES = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_SECCOMP = frozenset({"RuntimeDefault", "Localhost"})
_VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ],
)
_SYSCTLS = {
    0: "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies "
    "net.ipv4.ping_group_range net.ipv4.ip_unprivileged_port_start",
    27: "net.ipv4.ip_local_reserved_ports",
    29: "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl "
    "net.ipv4.tcp_keepalive_probes",
    32: "net.ipv4.tcp_rmem net.ipv4.tcp_wmem",
}
_HANDLERS = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)


@dataclass(frozen=True, slots=True)
class Enforced:
    """The level that a namespace enforces, and the minor version whose checks it means."""

    level: str
    minor: int


def enforced(labels: dict[str, str]) -> Enforced | None:
    """Return the level that a namespace with these labels enforces; None if that refuses no pod, or if
    nothing is known.
    """
    level, version = labels.get(ENFORCE, ""), _VERSION.fullmatch(labels.get(f"{ENFORCE}-version", ""))
    return Enforced(level, int(version[1]) if version else _LATEST) if level in LEVELS else None


def violations(pod: Pod, policy: Enforced) -> list[str]:
    """List what the namespace's level refuses, in the order of the checks."""
    restricted = policy.level == "restricted"
    found = [*_baseline(pod, policy.minor, restricted=restricted)]
    return list(dict.fromkeys([*found, *(_restricted(pod, policy.minor) if restricted else ())]))


def _baseline(pod: Pod, minor: int, *, restricted: bool) -> Iterator[str]:
    contexts = _contexts(pod)
    yield from (
        f"{name}: true" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name) is True
    )
    if not restricted:
        yield from (
            "a volume of type hostPath" for volume in pod.volumes if volume.get("hostPath") is not None
        )
    yield from (
        "windowsOptions.hostProcess: true"
        for context in contexts
        if dig(context, "windowsOptions", "hostProcess") is True
    )
    allowed = {name for since, names in _SYSCTLS.items() if since <= minor for name in names.split()}
    names = [text(sysctl.get("name")) for sysctl in mappings(pod.security.get("sysctls"))]
    yield from (f"the sysctl {name}" for name in names if name not in allowed)
    for context in contexts:
        options = mapping(context.get("seLinuxOptions"))
        engine = {"container_engine_t"} if minor >= 31 else set[str]()
        if (
            text(options.get("type")) not in _SELINUX_TYPES | engine
            or options.get("user")
            or options.get("role")
        ):
            yield "seLinuxOptions"
        if _profile(context, "appArmorProfile") == "Unconfined":
            yield "appArmorProfile Unconfined"
        if _profile(context, "seccompProfile") == "Unconfined" and minor >= 19:
            yield "seccompProfile Unconfined"
    relaxed = pod.spec.get("hostUsers") is False and minor >= 35 and not restricted
    for container in pod.containers:
        if container.security.get("privileged") is True:
            yield "privileged: true"
        if not set(_added(container.security)) <= _CAPABILITIES:
            yield "capabilities beyond the default ones"
        if container.security.get("procMount") not in (None, "Default") and not relaxed:
            yield f"procMount: {container.security['procMount']}"
        if any(number(port.get("hostPort"), 0) for port in mappings(container.raw.get("ports"))):
            yield "hostPort"
        if minor >= 34 and any(_host(container.raw, path) for path in _HANDLERS):
            yield "a probe or hook with a host of its own"


def _restricted(pod: Pod, minor: int) -> Iterator[str]:
    relaxed = pod.spec.get("hostUsers") is False and minor >= 35
    for volume in pod.volumes:
        if not any(volume.get(kind) is not None for kind in _VOLUMES):
            yield "a volume of a type that is not allowed"
    if not relaxed:
        yield from _identity(pod, minor)
    if pod.os_name == WINDOWS and minor >= 25:
        return
    of_pod = _profile(pod.security, "seccompProfile")
    for container in pod.containers:
        if container.security.get("allowPrivilegeEscalation") is not False:
            yield "no allowPrivilegeEscalation: false"
        if minor >= 22 and "ALL" not in texts(dig(container.security, "capabilities", "drop")):
            yield "no capabilities.drop: [ALL]"
        if minor >= 22 and set(_added(container.security)) - {"NET_BIND_SERVICE"}:
            yield "capabilities.add beyond NET_BIND_SERVICE"
        if minor >= 19 and (_profile(container.security, "seccompProfile") or of_pod) not in _SECCOMP:
            yield "no seccompProfile"


def _identity(pod: Pod, minor: int) -> Iterator[str]:
    """A pod's own false is refused although every container says true."""
    if pod.security.get("runAsNonRoot") is False:
        yield "runAsNonRoot: false"
    for container in pod.containers:
        own = container.security.get("runAsNonRoot")
        if own is False:
            yield "runAsNonRoot: false"
        elif own is None and pod.security.get("runAsNonRoot") is not True:
            yield "no runAsNonRoot: true"
    if minor >= 23 and any(_is_zero(context.get("runAsUser")) for context in _contexts(pod)):
        yield "runAsUser: 0"


def _contexts(pod: Pod) -> list[Object]:
    return [pod.security, *(container.security for container in pod.containers)]


def _profile(context: Object, name: str) -> str:
    return text(dig(context, name, "type"))


def _added(context: Object) -> Iterable[str]:
    return [str(item) for item in items(dig(context, "capabilities", "add"))]


def _host(container: Object, path: tuple[str, ...]) -> bool:
    return any(bool(dig(container, *path, action, "host")) for action in ("httpGet", "tcpSocket"))


def _is_zero(value: object) -> bool:
    return value == 0 and not isinstance(value, bool)
