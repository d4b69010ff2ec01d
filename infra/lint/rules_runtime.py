"""Rules on how a container runs: its probes, its share of the node, its end."""

from collections.abc import Iterator

from .placement import HANDLER
from .rule import Rule, Severity
from .subjects import Pod
from .values import dig, number, quantity, text

RESOURCES = "https://kubernetes.io/docs/concepts/configuration/windows-resource-management/"
PROBES = (
    "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes"
    "/#configure-probes"
)
LIMITS = ("cpu", "memory")
# PowerShell takes longer than the default second to start on a busy node.
SHORT_TIMEOUT_SECONDS = 1
# The API server's default for a pod without the field.
DEFAULT_GRACE_SECONDS = 30


def exec_timeout(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for name, probe in container.probes.items():
            seconds = number(probe.get("timeoutSeconds"), SHORT_TIMEOUT_SECONDS)
            if dig(probe, "exec", "command") and seconds <= SHORT_TIMEOUT_SECONDS:
                yield (
                    f"{container.where}: {name} starts a program and gives it {SHORT_TIMEOUT_SECONDS} second"
                )


def resource_limits(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        missing = [name for name in LIMITS if dig(container.raw, "resources", "limits", name) is None]
        if missing and not container.where.startswith("ephemeral"):
            yield f"{container.where}: no limit of {' and '.join(missing)}"


def memory_request(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        request, limit = (
            quantity(dig(container.raw, "resources", kind, "memory")) for kind in ("requests", "limits")
        )
        if request is not None and limit is not None and request < limit:
            yield f"{container.where}: memory is requested below its limit"


def grace_period(pod: Pod) -> Iterator[str]:
    seconds = number(pod.spec.get("terminationGracePeriodSeconds"), 0)
    hooked = any(dig(container.raw, "lifecycle", "preStop") for container in pod.containers)
    if hooked or pod.host_process:
        return
    if seconds > DEFAULT_GRACE_SECONDS:
        yield f"terminationGracePeriodSeconds: {seconds}"
    for container in pod.containers:
        for name, probe in container.probes.items():
            if (seconds := number(probe.get("terminationGracePeriodSeconds"), 0)) > DEFAULT_GRACE_SECONDS:
                yield f"{container.where}: {name}: terminationGracePeriodSeconds: {seconds}"


def runtime_class(pod: Pod) -> Iterator[str]:
    name = text(pod.spec.get("runtimeClassName"))
    if pod.handler not in ("", HANDLER):
        yield f"runtime class {name}: its handler is {pod.handler}"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="exec-timeout",
        severity=_W,
        what="a probe by program that has a second",
        why="Starting PowerShell or even cmd takes longer on a busy Windows node: the probe fails although "
        "the service is well.",
        page=PROBES,
        fix="timeoutSeconds: 10, or a probe by httpGet or tcpSocket",
        check=exec_timeout,
    ),
    Rule(
        id="resource-limits",
        severity=_W,
        what="a container without limits",
        why="Windows kills nothing when memory runs out, it pages until the whole node crawls; limits are "
        "what holds a container.",
        page=f"{RESOURCES}#resource-management-memory",
        fix="resources.limits: {cpu: …, memory: …}",
        check=resource_limits,
    ),
    Rule(
        id="memory-request",
        severity=_W,
        what="a memory request below the limit",
        why="Windows does not overcommit memory; what is scheduled by the smaller number pages.",
        page=f"{RESOURCES}#resource-management-memory",
        fix="leave the request out, or make it equal to the limit",
        check=memory_request,
    ),
    Rule(
        id="grace-period",
        severity=_W,
        what="a grace period that Windows does not keep",
        why="A Windows container has about 5 seconds after its CTRL_SHUTDOWN_EVENT, however long the "
        "period, unless its registry says more.",
        page="https://github.com/microsoft/Windows-Containers/issues/164",
        fix="a preStop hook that ends the work, or WaitToKillServiceTimeout in the image's registry",
        check=grace_period,
    ),
    Rule(
        id="runtime-class",
        severity=_E,
        what="a runtime class that these nodes cannot run",
        why=f"containerd runs {HANDLER} alone here: Hyper-V cannot be installed on a virtual EC2 machine, "
        f"and the others are of Linux.",
        page="https://github.com/kubernetes-sigs/sig-windows-tools/issues/296",
        fix=f"no runtimeClassName, or a class with handler: {HANDLER}",
        check=runtime_class,
    ),
)
