"""Rules on pods that run IIS by ServiceMonitor, the entrypoint of Microsoft's images."""

from collections.abc import Iterator

from .rule import Rule, Severity
from .subjects import Container, Pod
from .values import dig, text, texts

_REPOSITORIES = (
    *(f"mcr.microsoft.com/dotnet/framework/{name}" for name in ("aspnet", "wcf")),
    "mcr.microsoft.com/windows/servercore/iis",
)
_MONITOR = "servicemonitor.exe"
_ISSUES = "https://github.com/microsoft/IIS.ServiceMonitor/issues"


def _runs_iis(container: Container) -> bool:
    """ServiceMonitor is the command, or the command is left to an image of Microsoft's that starts it."""
    command = texts(container.raw.get("command"))
    return any(_MONITOR in word.lower() for word in command) or (not command and _has_monitor(container))


def _has_monitor(container: Container) -> bool:
    return container.image.name in _REPOSITORIES


def service_links(pod: Pod) -> Iterator[str]:
    if pod.spec.get("enableServiceLinks") is False:
        return
    for container in pod.containers:
        if _runs_iis(container):
            yield f"{container.where}: enableServiceLinks is not false"


def doubled_entrypoint(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        repeated = not texts(container.raw.get("command")) and any(
            _MONITOR in word.lower() for word in texts(container.raw.get("args"))
        )
        if repeated and _has_monitor(container):
            yield f"{container.where}: its args name ServiceMonitor, which the image starts already"


def container_user(pod: Pod) -> Iterator[str]:
    of_pod = text(dig(pod.security, "windowsOptions", "runAsUserName"))
    for container in pod.containers:
        user = text(dig(container.security, "windowsOptions", "runAsUserName")) or of_pod
        if user.lower() == "containeruser" and _runs_iis(container):
            yield f"{container.where}: it runs as ContainerUser"


def liveness_tcp(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if dig(container.raw, "livenessProbe", "tcpSocket") and _runs_iis(container):
            yield f"{container.where}: livenessProbe looks at the port alone"


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="service-links",
        severity=_W,
        what="IIS that gets a variable for each port of each Service",
        why="ServiceMonitor hands every variable to IIS on one command line; with many Services the "
        "container ends (error 259).",
        page=f"{_ISSUES}/76",
        fix="enableServiceLinks: false",
        check=service_links,
    ),
    Rule(
        id="doubled-entrypoint",
        severity=_E,
        what="ServiceMonitor given to ServiceMonitor",
        why="ServiceMonitor takes its second argument for an application pool, does not find it, and the "
        "container ends (error 4312).",
        page=f"{_ISSUES}/38",
        fix="leave args out, or say `command` instead",
        check=doubled_entrypoint,
    ),
    Rule(
        id="containeruser-iis",
        severity=_E,
        what="IIS as ContainerUser",
        why="ServiceMonitor controls the service w3svc and writes IIS's configuration; as ContainerUser it "
        "ends with 80070005.",
        page=f"{_ISSUES}/77",
        fix="no runAsUserName: requests are served by the unprivileged identity of the application pool",
        check=container_user,
    ),
    Rule(
        id="liveness-tcp",
        severity=_W,
        what="a liveness probe of IIS by its port",
        why="HTTP.sys holds the port open after IIS has switched the application pool off: the pod answers "
        "503 and is never restarted.",
        page="https://github.com/microsoft/iis-docker/issues/194",
        fix="livenessProbe.httpGet on a page that needs no login",
        check=liveness_tcp,
    ),
)
