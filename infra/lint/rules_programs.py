"""Rules on the programs that a pod names: in commands, args, hooks and probes."""

import re
from collections.abc import Iterator

from . import programs
from .rule import Rule, Severity
from .subjects import Container, Pod

PATHS = "https://kubernetes.io/docs/concepts/windows/intro/#api"
EXEC_ISSUE = "https://github.com/Azure/AKS/issues/1836"
# Words of cmd.exe and cmdlets of PowerShell: no program files bear these names.
_SHELL_WORD = re.compile(
    r"(?i:dir|echo|type|copy|move|ren|del|erase|set|if|ver|exit|cd|md|rd|mkdir|rmdir|mklink|call|rem|date)"
    r"|[A-Z][a-z]+-[A-Z][A-Za-z]+"
)
# containerd hands the words of a pod over as one program and its arguments (v2.2.7 internal/cri/opts,
# WithProcessCommandLineOrArgsForWindows).
_WHOLE_LINE = re.compile(
    r"((powershell|pwsh|cmd)(\.exe)?|\S*\.(exe|cmd|bat))\s+\S.*|(?!.*\.(exe|cmd|bat|com)$)[\w.-]+\s+\S.*",
    re.IGNORECASE | re.DOTALL,
)


def linux_command(pod: Pod) -> Iterator[str]:
    for container, part, command in _commands(pod):
        if program := programs.linux_program(command, container.image.repository):
            through = "" if program == command[0].strip() else f" through {command[0][:20]}"
            yield f"{container.where}: {part} runs {program[:60]}{through}"


def exec_form(pod: Pod) -> Iterator[str]:
    for container, part, command in _commands(pod):
        is_word = _SHELL_WORD.fullmatch(command[0]) and not programs.brings_tools(container.image.repository)
        linux = programs.linux_program(command, container.image.repository)
        if is_word or (_WHOLE_LINE.fullmatch(command[0]) and not linux):
            yield f"{container.where}: {part} runs {command[0][:60]!r} as a program"


def _commands(pod: Pod) -> Iterator[tuple[Container, str, tuple[str, ...]]]:
    for container in pod.containers:
        for part, command in container.commands():
            yield container, part, command


_E = Severity.ERROR

WINDOWS_RULES: tuple[Rule[Pod], ...] = (
    Rule(
        id="linux-command",
        severity=_E,
        what="a Linux program in a Windows container",
        why="Windows images hold no /bin, no sh and none of its tools: the container does not start, the "
        "probe or hook fails every time.",
        page=PATHS,
        fix='["cmd", "/c", …] or ["powershell", "-Command", …]; better a probe by httpGet or tcpSocket, a '
        "hook by sleep",
        check=linux_command,
    ),
    Rule(
        id="exec-form",
        severity=_E,
        what="a shell's own word run as a program",
        why="A command is a program with its arguments, no shell reads it: Windows answers “cannot find the "
        "file specified (0x2)”.",
        page=EXEC_ISSUE,
        fix='["cmd", "/c", "dir"] or ["powershell", "-Command", "Get-Date"], each word an element of its own',
        check=exec_form,
    ),
)
