"""Rules on identity and isolation that Windows does not have."""

from collections.abc import Iterator

from .linux_fields import IDENTITY, linux_fields
from .placement import WINDOWS
from .rule import Rule, Severity
from .subjects import Pod
from .values import dig, text

INTRO = "https://kubernetes.io/docs/concepts/windows/intro/"
RUN_AS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/"

ADMINISTRATOR = "containeradministrator"
# The kubelet refuses these; they are not ignored (kubelet-admission).
_REFUSED = frozenset({"sysctls", "resources"})


def privileged(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        # A HostProcess container has the privilege already; there the field is one of those that are ignored
        # or refused.
        if container.security.get("privileged") is True and not container.host_process:
            yield f"{container.where}: privileged: true"


def identity(pod: Pod) -> Iterator[str]:
    for where, context in [
        ("pod", pod.security),
        *((container.where, container.security) for container in pod.containers),
    ]:
        fields = [field for field in IDENTITY if context.get(field) is not None]
        if fields:
            yield f"{where}: {', '.join(fields)}"


def run_as_non_root(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        contexts = (container.security, pod.security)
        non_root = next(
            (context["runAsNonRoot"] for context in contexts if context.get("runAsNonRoot") is not None),
            False,
        )
        names = [text(dig(context, "windowsOptions", "runAsUserName")) for context in contexts]
        if non_root is True and next(filter(None, names), "").lower() == ADMINISTRATOR:
            yield f"{container.where}: runAsNonRoot: true as ContainerAdministrator"


def ignored_fields(pod: Pod) -> Iterator[str]:
    if pod.os_name != WINDOWS:
        for where, field, value in linux_fields(pod):
            if value not in (field.harmless, "Strict") and field.path[-1] not in _REFUSED:
                yield f"{where}: {'.'.join(field.path)}"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
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
        why="Windows has no UIDs and GIDs: the field is dropped, or refused if spec.os.name is windows, and "
        "the image's own user runs.",
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
        id="ignored-field",
        severity=_W,
        what="a Linux-only field",
        why="Windows has no such thing: the field is ignored, and refused once spec.os.name says windows.",
        page=f"{INTRO}#compatibility-v1-pod-spec-containers",
        fix="remove the field",
        check=ignored_fields,
    ),
)
