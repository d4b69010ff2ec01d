"""Rules on what runs in a container: its programs, its probes, its share of the node."""

import re
from collections.abc import Iterator

from .rule import Rule, Severity
from .subjects import Container, Pod
from .values import dig, number, quantity

RESOURCES = "https://kubernetes.io/docs/concepts/configuration/windows-resource-management/"
PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes"
PATHS = "https://kubernetes.io/docs/concepts/windows/intro/#api"
EXEC_ISSUE = "https://github.com/Azure/AKS/issues/1836"
LIMITS = ("cpu", "memory")
# PowerShell takes longer than the default second to start on a busy node.
SHORT_TIMEOUT_SECONDS = 1

_LINUX_PROGRAM = re.compile(r"(/(usr/(local/)?)?s?bin/.*|(ba|da|a)?sh|cat|touch|true|test|pgrep|killall)")
# Words of cmd.exe and cmdlets of PowerShell: no program files bear these names.
_SHELL_WORD = re.compile(r"(dir|echo|type|copy|del|set|if|ver|exit|cd|md|rd|mkdir|[A-Z][a-z]+-[A-Z][A-Za-z]+)")
_WHOLE_LINE = re.compile(r"(powershell|pwsh|cmd)(\.exe)?\s.*", re.IGNORECASE | re.DOTALL)


def linux_command(pod: Pod) -> Iterator[str]:
    for container, part, command in _commands(pod):
        if _LINUX_PROGRAM.fullmatch(command[0]):
            yield f"{container.where}: {part} runs {command[0]}"


def exec_form(pod: Pod) -> Iterator[str]:
    for container, part, command in _commands(pod):
        if _SHELL_WORD.fullmatch(command[0]) or _WHOLE_LINE.fullmatch(command[0]):
            yield f"{container.where}: {part} runs {command[0][:60]!r} as a program"


def exec_timeout(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for name, probe in container.probes.items():
            seconds = number(probe.get("timeoutSeconds"), SHORT_TIMEOUT_SECONDS)
            if dig(probe, "exec", "command") and seconds <= SHORT_TIMEOUT_SECONDS:
                yield f"{container.where}: {name} starts a program and gives it {SHORT_TIMEOUT_SECONDS} second"


def resource_limits(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        missing = [name for name in LIMITS if dig(container.raw, "resources", "limits", name) is None]
        missing = [name for name in missing if dig(pod.spec, "resources", "limits", name) is None]
        if missing and not container.where.startswith("ephemeral"):
            yield f"{container.where}: no limit of {' and '.join(missing)}"


def memory_request(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        request, limit = (quantity(dig(container.raw, "resources", kind, "memory")) for kind in ("requests", "limits"))
        if request is not None and limit is not None and request < limit:
            yield f"{container.where}: memory is requested below its limit"


def _commands(pod: Pod) -> Iterator[tuple[Container, str, tuple[str, ...]]]:
    for container in pod.containers:
        for part, command in container.commands():
            yield container, part, command


_E, _W = Severity.ERROR, Severity.WARNING

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="linux-command",
        severity=_E,
        what="a Linux program in a Windows container",
        why="Windows images hold no /bin and no sh: the container does not start, the probe fails every time.",
        page=PATHS,
        fix='["cmd", "/c", …] or ["powershell", "-Command", …]; better a probe by httpGet or tcpSocket',
        check=linux_command,
    ),
    Rule(
        id="exec-form",
        severity=_E,
        what="a shell's own word run as a program",
        why="A command is a program with its arguments, no shell reads it: Windows answers “cannot find the file specified (0x2)”.",
        page=EXEC_ISSUE,
        fix='["cmd", "/c", "dir"] or ["powershell", "-Command", "Get-Date"], each word an element of its own',
        check=exec_form,
    ),
    Rule(
        id="exec-timeout",
        severity=_W,
        what="a probe by program that has a second",
        why="Starting PowerShell or even cmd takes longer on a busy Windows node: the probe fails although the service is well.",
        page=PROBES,
        fix="timeoutSeconds: 10, or a probe by httpGet or tcpSocket",
        check=exec_timeout,
    ),
    Rule(
        id="resource-limits",
        severity=_W,
        what="a container without limits",
        why="Windows kills nothing when memory runs out, it pages until the whole node crawls; limits are what holds a container.",
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
)
