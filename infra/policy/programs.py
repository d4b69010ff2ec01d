"""What the words of a command say: a program of Windows, one of Linux, or either.

A base image of Windows holds cmd.exe, and servercore and server hold powershell.exe (nanoserver does not). Of the names below,
none has a program file in C:\\Windows\\System32 of any base image; curl, tar, ping, find, sort, whoami and hostname have.
"""

import re
from collections.abc import Sequence

_EXTENSIONS = (".exe", ".cmd", ".bat", ".com", ".ps1")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})
_TOOLS = frozenset(
    {
        *("[", "awk", "cat", "chgrp", "chmod", "chown", "cp", "cut", "dig", "dumb-init", "egrep", "env", "false", "gosu", "grep", "head"),
        *("iptables", "kill", "killall", "ln", "ls", "mv", "nc", "ncat", "netcat", "pgrep", "pidof", "pkill", "printenv", "ps", "pwd", "rm"),
        *("sed", "seq", "sleep", "socat", "su-exec", "sudo", "tail", "tee", "test", "tini", "touch", "tr", "true", "uname", "uniq"),
        *("wc", "wget", "which", "xargs", "yes"),
    }
)
# What Windows PowerShell 5.1 takes as an alias or pwsh as a function; its own word then.
_ALIASES = frozenset({"cat", "cp", "kill", "ls", "mv", "ps", "pwd", "rm", "sleep", "tee", "wget"})
_LINUX_FOLDER = re.compile(r"/(usr/(local/)?)?s?bin/")
_SCRIPT = re.compile(r"\.(sh|bash)$")
_FIRST_WORD = re.compile(r"""[\s"'&({]*([^\s"';|&)}]+)""")
# Images for both systems that bring the tools of busybox along on Windows: kubernetes/kubernetes test/images/busybox, agnhost.
_WITH_TOOLS = re.compile(r"(^|/)(e2e-test-images|kubernetes-e2e-test-images)/|(^|/)(busybox|agnhost)$")


def is_windows(command: Sequence[str]) -> bool:
    """Whether only Windows has a program of this name. pwsh without an extension runs on both."""
    word = command[0].strip() if command else ""
    name = re.split(r"[\\/\s]", word, maxsplit=1)[0].lower()
    return word.lower().endswith(_EXTENSIONS) or bool(_DRIVE.match(word)) or name in ("cmd", "powershell", "powershell.exe", "cmd.exe")


def linux_program(command: Sequence[str], repository: str = "") -> str:
    """The program of Linux that a command runs, itself or through cmd or PowerShell; an empty text if it runs none."""
    word = command[0].strip() if command else ""
    if _WITH_TOOLS.search(repository):
        return ""
    shell = re.split(r"[\\/]", word.lower())[-1].removesuffix(".exe")
    if shell == "cmd":
        return _inner(command[1:], ("/c", "/k"), _SHELLS | _TOOLS)
    if shell in ("powershell", "pwsh"):
        return _inner(command[1:], ("-command", "-c"), (_SHELLS | _TOOLS) - _ALIASES)
    return word if _is_linux(word, _SHELLS | _TOOLS) else ""


def starts_a_linux_shell(words: Sequence[str]) -> bool:
    """Whether these are the words `sh -c …`: whatever the image's entrypoint, no program of Windows takes them."""
    return len(words) > 1 and words[1].startswith("-") and words[1].endswith("c") and _is_linux(words[0], _SHELLS)


def _is_linux(word: str, names: frozenset[str]) -> bool:
    if word.lower().endswith(_EXTENSIONS) or _DRIVE.match(word):
        return False
    if _SCRIPT.search(word) or word in names:
        return True
    folder = _LINUX_FOLDER.match(word)
    return folder is not None and (names is not _SHELLS or word.rpartition("/")[2] in names)


def _inner(words: Sequence[str], switches: tuple[str, ...], names: frozenset[str]) -> str:
    """What the shell runs first, where its words are a command line and no script file."""
    place = next((place for place, word in enumerate(words) if word.lower() in switches), None)
    line = " ".join(words[place + 1 :]) if place is not None else ""
    first = _FIRST_WORD.match(line)
    return first[1] if first and _is_linux(first[1], names) else ""
