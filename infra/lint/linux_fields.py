"""The fields of a pod that only Linux knows, and those that only Windows knows.

Source: validateWindows, validatePodResources and validateLinux in pkg/apis/core/validation/validation.go.
They are the same in kubernetes v1.34.11, v1.35.8 and v1.36.4. runAsUser and its like have a rule of their own
(linux-identity).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .subjects import Pod
from .values import Object, dig


@dataclass(frozen=True, slots=True)
class LinuxField:
    """A field that only Linux knows.

    `harmless` is the value that asks for nothing. The API server refuses even that of a pointer field in a
    pod whose spec.os.name is windows.
    """

    path: tuple[str, ...]
    harmless: Any = None
    pointer: bool = True


_BOTH = (
    LinuxField(("securityContext", "seLinuxOptions")),
    LinuxField(("securityContext", "seccompProfile")),
    LinuxField(("securityContext", "appArmorProfile")),
)
POD_FIELDS = (
    *_BOTH,
    LinuxField(("securityContext", "fsGroupChangePolicy")),
    LinuxField(("securityContext", "seLinuxChangePolicy")),
    LinuxField(("securityContext", "supplementalGroupsPolicy")),
    LinuxField(("securityContext", "sysctls"), harmless=[], pointer=False),
    LinuxField(("hostPID",), harmless=False, pointer=False),
    LinuxField(("hostIPC",), harmless=False, pointer=False),
    LinuxField(("hostUsers",), harmless=True),
    LinuxField(("shareProcessNamespace",), harmless=False),
    # An empty one is refused too (validatePodResources); of one that is not, the kubelet speaks
    # (kubelet-admission).
    LinuxField(("resources",)),
)
CONTAINER_FIELDS = (
    *_BOTH,
    LinuxField(("securityContext", "capabilities")),
    LinuxField(("securityContext", "readOnlyRootFilesystem"), harmless=False),
    LinuxField(("securityContext", "allowPrivilegeEscalation"), harmless=True),
    LinuxField(("securityContext", "procMount")),
)
# Of a privileged container there is a rule of its own. The API server refuses the field even when it is
# false; in a HostProcess container, which has the privilege, it is one of the fields that are ignored.
_PRIVILEGED = LinuxField(("securityContext", "privileged"), harmless=False)
IDENTITY = ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups")


def linux_fields(pod: Pod) -> Iterator[tuple[str, LinuxField, Any]]:
    """Yield each Linux-only field that is set, and where; null is not set."""
    places: list[tuple[str, Object, Sequence[LinuxField]]] = [("pod", pod.spec, POD_FIELDS)]
    for container in pod.containers:
        places.append((container.where, container.raw, CONTAINER_FIELDS))
        if container.security.get("privileged") is False or container.host_process:
            places.append((container.where, container.raw, (_PRIVILEGED,)))
    for where, raw, fields in places:
        for field in fields:
            value = dig(raw, *field.path)
            if value is not None:
                yield where, field, value


def windows_options(pod: Pod) -> Iterator[tuple[str, Any]]:
    """Yield each windowsOptions that is set, and where."""
    for where, context in (
        ("pod", pod.security),
        *((container.where, container.security) for container in pod.containers),
    ):
        if context.get("windowsOptions") is not None:
            yield where, context["windowsOptions"]
