"""Rules on what the API server and the kubelet refuse before any container starts."""

import re
from collections.abc import Iterator

from . import pod_security
from .linux_fields import linux_fields, windows_options
from .placement import LINUX, OS_LABEL, WINDOWS
from .rule import Rule, Severity
from .subjects import Pod
from .values import dig, labels, mapping, mappings, text

INTRO = "https://kubernetes.io/docs/concepts/windows/intro/"
HOST_PROCESS = "https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/"
RUN_AS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/"
POD_SECURITY = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
OS_FIELD = "https://kubernetes.io/docs/concepts/workloads/pods/#pod-os"

# validateWindowsSecurityContextOptions, kubernetes v1.35.8 pkg/apis/core/validation/validation.go; lengths
# are in bytes there.
_DNS_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf'[^\\/:*?"<>|.][^\\/:*?"<>|]{{0,14}}|{_DNS_LABEL}(?:\.{_DNS_LABEL})*')
_USER_REFUSED = re.compile(r'["/\\:;|=,+*?<>@\[\]]')
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_MOST_DOMAIN, _MOST_USER, _MOST_NAME, _MOST_SPEC = 255, 104, 253, 64 * 1024
_POD_LEVEL = ("cpu", "memory")


def os_value(pod: Pod) -> Iterator[str]:
    written = pod.spec.get("os")
    if written is not None and pod.os_name not in (LINUX, WINDOWS):
        yield f"spec.os.name is {str(dig(written, 'name') or '')[:40]!r}"


def refused_fields(pod: Pod) -> Iterator[str]:
    if pod.os_name == WINDOWS:
        for where, field, value in linux_fields(pod):
            if field.pointer or value != field.harmless:
                yield f"{where}: {'.'.join(field.path)}"


def refused_options(pod: Pod) -> Iterator[str]:
    if pod.os_name == LINUX:
        for where, _ in windows_options(pod):
            yield f"{where}: securityContext.windowsOptions"


def host_process(pod: Pod) -> Iterator[str]:
    """As validateWindowsHostProcessPod does, of every pod."""
    of_pod = dig(pod.security, "windowsOptions", "hostProcess")
    for container in pod.containers:
        own = dig(container.security, "windowsOptions", "hostProcess")
        if isinstance(of_pod, bool) and isinstance(own, bool) and own != of_pod:
            yield (
                f"{container.where}: hostProcess: {str(own).lower()} in a pod that says {str(of_pod).lower()}"
            )
    if pod.host_process and pod.spec.get("hostNetwork") is not True:
        yield "HostProcess containers without hostNetwork: true"
    if pod.host_process and not all(container.host_process for container in pod.containers):
        yield "HostProcess containers beside others"


def option_values(pod: Pod) -> Iterator[str]:
    for where, options in windows_options(pod):
        user, name, spec = (
            mapping(options).get(key)
            for key in ("runAsUserName", "gmsaCredentialSpecName", "gmsaCredentialSpec")
        )
        if isinstance(user, str) and (problem := _of_user(user)):
            yield f"{where}: runAsUserName {user[:60]!r} {problem}"
        if isinstance(name, str) and (len(name) > _MOST_NAME or not _NAME.fullmatch(name)):
            yield f"{where}: gmsaCredentialSpecName {name[:60]!r} is no name of an object"
        if isinstance(spec, str) and not 0 < len(spec.encode()) <= _MOST_SPEC:
            yield f"{where}: gmsaCredentialSpec is {'longer than 64 KiB' if spec else 'empty'}"


def _of_user(written: str) -> str:
    if not written:
        return "is empty"
    if re.search(r"[\x00-\x1f\x7f]", written):
        return "has control characters"
    domain, slash, user = written.rpartition("\\")
    if "\\" in domain:
        return "has more than one backslash"
    if slash and (len(domain.encode()) > _MOST_DOMAIN or not _DOMAIN.fullmatch(domain)):
        return "has a domain that neither NetBIOS nor DNS knows"
    if not user or len(user.encode()) > _MOST_USER:
        return f"must have a user of 1 to {_MOST_USER} characters"
    if not user.strip(". "):
        return "has a user of dots and spaces alone"
    return 'has a user with one of "/\\:;|=,+*?<>@[]' if _USER_REFUSED.search(user) else ""


def kubelet(pod: Pod) -> Iterator[str]:
    """Find what the kubelet on Windows does not admit; of what the API server has refused already, nothing is
    said.
    """
    if (label := pod.labels.get(OS_LABEL, WINDOWS)) != WINDOWS:
        yield f"the pod's own label {OS_LABEL} is {label!r}"
    if pod.os_name == WINDOWS:
        return
    asked = {
        **mapping(dig(pod.spec, "resources", "requests")),
        **mapping(dig(pod.spec, "resources", "limits")),
    }
    if any(name in _POD_LEVEL or text(name).startswith("hugepages-") for name in asked):
        yield "resources of the pod (spec.resources)"
    if mappings(pod.security.get("sysctls")):
        yield "sysctls"
    if pod.security.get("supplementalGroupsPolicy") == "Strict":
        yield "supplementalGroupsPolicy: Strict"


def of_namespace(pod: Pod) -> Iterator[str]:
    policy = pod_security.enforced(pod.declared.namespace_labels(pod.document.namespace))
    found = pod_security.violations(pod, policy) if policy else []
    if policy and found:
        hint = "" if pod.os_name == WINDOWS or policy.level == "baseline" else " (spec.os.name is not set)"
        yield (
            f"namespace {pod.document.namespace} enforces the Pod Security level {policy.level}{hint}: "
            f"{', '.join(found)}"
        )


def runtime_class_selector(pod: Pod) -> Iterator[str]:
    asked, own = (
        labels(dig(pod.runtime_class, "scheduling", "nodeSelector")),
        labels(pod.spec.get("nodeSelector")),
    )
    for key in sorted(asked.keys() & own.keys()):
        if asked[key] != own[key]:
            yield (
                f"runtime class {pod.spec['runtimeClassName']} selects {key}: {asked[key]}, the pod "
                f"{own[key]}"
            )


_E = Severity.ERROR

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="pod-security",
        severity=_E,
        what="a pod that the Pod Security level of its namespace refuses",
        why="The API server refuses it. Three checks of restricted leave a Windows pod out, but only one "
        "whose spec.os.name says so.",
        page=f"{POD_SECURITY}#os-specific-policy-controls",
        fix="os: {name: windows} and runAsNonRoot: true; for HostProcess a namespace that enforces "
        "privileged",
        check=of_namespace,
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
        id="kubelet-admission",
        severity=_E,
        what="what the kubelet on Windows does not admit",
        why="The API server takes the pod, the kubelet of the Windows node fails it before any container "
        "starts.",
        page=f"{INTRO}#compatibility-v1-pod",
        fix="remove it; resources belong to the containers",
        check=kubelet,
    ),
)

EVERY_POD_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="os-value",
        severity=_E,
        what="an operating system that Kubernetes does not know",
        why="spec.os.name is linux or windows, in small letters; the API server refuses anything else.",
        page=OS_FIELD,
        fix="os: {name: windows}",
        check=os_value,
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
        id="windows-options-value",
        severity=_E,
        what="a value in windowsOptions that the API server refuses",
        why="A user is NAME or DOMAIN\\NAME in the characters that Windows allows; a gMSA is the name of "
        "its custom resource.",
        page=RUN_AS,
        fix="write it as Windows does, e.g. ContainerUser or NT AUTHORITY\\SYSTEM",
        check=option_values,
    ),
    Rule(
        id="windows-options",
        severity=_E,
        what="windowsOptions in a pod whose spec.os.name is linux",
        why="The API server does not admit the pod, whatever the options say.",
        page=OS_FIELD,
        fix="remove windowsOptions, or say os: {name: windows}",
        check=refused_options,
    ),
    Rule(
        id="runtime-class-selector",
        severity=_E,
        what="a runtime class whose selector contradicts the pod's",
        why="The API server merges both selectors and refuses a pod in which they differ.",
        page="https://kubernetes.io/docs/concepts/containers/runtime-class/#scheduling",
        fix="let both select the same nodes",
        check=runtime_class_selector,
    ),
)
