"""Rules on identity and isolation: what Windows has no such thing of, and what the API server refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .placement import WINDOWS
from .rule import Rule, Severity
from .subjects import Pod
from .values import dig, text

INTRO = "https://kubernetes.io/docs/concepts/windows/intro/"
HOST_PROCESS = "https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/"
RUN_AS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/"
POD_SECURITY = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

IDENTITY = ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups")
ADMINISTRATOR = "containeradministrator"


@dataclass(frozen=True, slots=True)
class LinuxField:
    """A field that only Linux knows.

    `harmless` is the value that asks for nothing. The API server refuses even that of a pointer field in a pod whose
    spec.os.name is windows (kubernetes v1.35.8 pkg/apis/core/validation/validation.go, validateWindows).
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
)
CONTAINER_FIELDS = (
    *_BOTH,
    LinuxField(("securityContext", "capabilities")),
    LinuxField(("securityContext", "readOnlyRootFilesystem"), harmless=False),
    LinuxField(("securityContext", "allowPrivilegeEscalation"), harmless=True),
    LinuxField(("securityContext", "procMount")),
)
# Of a privileged container there is a rule of its own; the API server refuses the field even when it is false.
_PRIVILEGED = LinuxField(("securityContext", "privileged"), harmless=False)


def host_network(pod: Pod) -> Iterator[str]:
    if pod.spec.get("hostNetwork") is True and not pod.host_process:
        yield "hostNetwork: true"


def host_process(pod: Pod) -> Iterator[str]:
    if pod.host_process and pod.spec.get("hostNetwork") is not True:
        yield "HostProcess containers without hostNetwork: true"
    if pod.host_process and not all(container.host_process for container in pod.containers):
        yield "HostProcess containers beside others"


def pod_security(pod: Pod) -> Iterator[str]:
    level = pod.declared.enforced_security(pod.document.namespace)
    if pod.host_process and level in ("baseline", "restricted"):
        yield f"HostProcess containers in namespace {pod.document.namespace}, which enforces the Pod Security level {level}"


def privileged(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if container.security.get("privileged") is True:
            yield f"{container.where}: privileged: true"


def identity(pod: Pod) -> Iterator[str]:
    for where, context in [("pod", pod.security), *((container.where, container.security) for container in pod.containers)]:
        fields = [field for field in IDENTITY if context.get(field) is not None]
        if fields:
            yield f"{where}: {', '.join(fields)}"


def run_as_non_root(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        contexts = (container.security, pod.security)
        non_root = next((context["runAsNonRoot"] for context in contexts if context.get("runAsNonRoot") is not None), False)
        names = [text(dig(context, "windowsOptions", "runAsUserName")) for context in contexts]
        if non_root is True and next(filter(None, names), "").lower() == ADMINISTRATOR:
            yield f"{container.where}: runAsNonRoot: true as ContainerAdministrator"


def refused_fields(pod: Pod) -> Iterator[str]:
    if pod.os_name == WINDOWS:
        for where, field, value in _linux_fields(pod):
            if field.pointer or value != field.harmless:
                yield f"{where}: {'.'.join(field.path)}"


def ignored_fields(pod: Pod) -> Iterator[str]:
    if pod.os_name != WINDOWS:
        for where, field, value in _linux_fields(pod):
            if value != field.harmless:
                yield f"{where}: {'.'.join(field.path)}"


def _linux_fields(pod: Pod) -> Iterator[tuple[str, LinuxField, Any]]:
    """Each Linux-only field that is set; null is not set."""
    places = [("pod", pod.spec, POD_FIELDS)]
    places += [(container.where, container.raw, CONTAINER_FIELDS) for container in pod.containers]
    places += [(container.where, container.raw, (_PRIVILEGED,)) for container in pod.containers if container.security.get("privileged") is False]
    for where, raw, fields in places:
        for field in fields:
            value = dig(raw, *field.path)
            if value is not None:
                yield where, field, value


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="host-network",
        severity=_E,
        what="the host's network in a Windows pod",
        why="Windows has no host networking mode: the pod gets an address of its own all the same. Only HostProcess containers share the host's.",
        page="https://kubernetes.io/docs/concepts/services-networking/windows-networking/#limitations",
        fix="remove hostNetwork; use a Service, of type NodePort for what comes from outside",
        check=host_network,
    ),
    Rule(
        id="host-process",
        severity=_E,
        what="a HostProcess pod that the API server refuses",
        why="A HostProcess pod holds HostProcess containers only, and they are on the host's network.",
        page=f"{HOST_PROCESS}#limitations",
        fix="hostNetwork: true, and windowsOptions.hostProcess: true for the whole pod",
        check=host_process,
    ),
    Rule(
        id="pod-security",
        severity=_E,
        what="a HostProcess pod in a namespace that forbids it",
        why="The Pod Security levels baseline and restricted refuse HostProcess containers.",
        page=f"{POD_SECURITY}#baseline",
        fix="a namespace labelled pod-security.kubernetes.io/enforce: privileged",
        check=pod_security,
    ),
    Rule(
        id="privileged",
        severity=_E,
        what="a privileged container",
        why="Windows has no privileged containers: no privilege of the host can be given to a container.",
        page=f"{INTRO}#limitations",
        fix="remove it; what must act on the node is a HostProcess container (windowsOptions.hostProcess)",
        check=privileged,
    ),
    Rule(
        id="linux-identity",
        severity=_E,
        what="numeric users and groups",
        why="Windows has no UIDs and GIDs: the field is dropped, or refused if spec.os.name is windows, and the image's own user runs.",
        page=RUN_AS,
        fix="securityContext.windowsOptions.runAsUserName, e.g. ContainerUser",
        check=identity,
    ),
    Rule(
        id="run-as-non-root",
        severity=_E,
        what="runAsNonRoot as ContainerAdministrator",
        why="The kubelet holds ContainerAdministrator for Windows' root and does not start the container.",
        page=f"{INTRO}#compatibility-v1-pod-spec-containers",
        fix="runAsUserName: ContainerUser, or no runAsNonRoot",
        check=run_as_non_root,
    ),
    Rule(
        id="refused-field",
        severity=_E,
        what="a Linux-only field in a pod whose spec.os.name is windows",
        why="The API server does not admit the pod, whatever the field's value.",
        page=f"{INTRO}#compatibility-linux-similarities",
        fix="remove the field",
        check=refused_fields,
    ),
    Rule(
        id="ignored-field",
        severity=_W,
        what="a Linux-only field",
        why="Windows has no such thing: the field is ignored, and refused once spec.os.name says windows.",
        page=f"{INTRO}#compatibility-v1-pod-spec-containers",
        fix="remove the field",
        check=ignored_fields,
    ),
)
