"""Classify the words of a command: a program of Windows, one of Linux, or either.

A base image of Windows holds cmd.exe, and servercore and server hold powershell.exe (nanoserver does not). Of
the names below, none has a program file in C:\\Windows\\System32 of any base image; curl, tar, ping, find,
sort, whoami and hostname have.
"""

import re
from collections.abc import Iterator, Sequence

# .com is left out: it is how host names end.
_EXTENSIONS = (".exe", ".cmd", ".bat", ".ps1")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})
_TOOLS = frozenset(
    {
        *(
            "[",
            "apk",
            "apt",
            "apt-get",
            "awk",
            "basename",
            "cat",
            "chgrp",
            "chmod",
            "chown",
            "chroot",
            "cp",
            "cut",
            "dig",
            "dirname",
            "dnf",
        ),
        *(
            "dumb-init",
            "egrep",
            "env",
            "eval",
            "exec",
            "export",
            "false",
            "gosu",
            "grep",
            "head",
            "id",
            "ifconfig",
            "ip",
            "iptables",
            "kill",
        ),
        *(
            "killall",
            "ln",
            "ls",
            "mktemp",
            "mount",
            "mv",
            "nc",
            "ncat",
            "netcat",
            "nohup",
            "nsenter",
            "pgrep",
            "pidof",
            "pkill",
            "printenv",
        ),
        *(
            "ps",
            "pwd",
            "readlink",
            "realpath",
            "rm",
            "sed",
            "seq",
            "setpriv",
            "sleep",
            "socat",
            "source",
            "ss",
            "stat",
            "su",
            "su-exec",
            "sudo",
        ),
        *(
            "systemctl",
            "tail",
            "tee",
            "test",
            "tini",
            "touch",
            "tr",
            "trap",
            "true",
            "ulimit",
            "umount",
            "uname",
            "uniq",
            "wc",
            "wget",
        ),
        *("which", "xargs", "yes", "yum"),
    }
)
# Names that Windows PowerShell 5.1 takes as an alias or a keyword, or pwsh as a function.
_ALIASES = frozenset(
    {"cat", "cp", "kill", "ls", "mount", "mv", "ps", "pwd", "rm", "sleep", "tee", "trap", "wget"}
)
_LINUX_FOLDER = re.compile(r"/(usr|s?bin|etc/init\.d|lib(64|exec)?)/")
_SCRIPT = re.compile(r"\.(sh|bash)$")
# Between quotes is text, which stays one word; a quote at the very start holds the program.
_QUOTED = re.compile(r"""(?<!^)("[^"]*"|'[^']*')""")
_TEXT = "\0"
# Text that cmd accepts before a program: brackets, its own words, and the conditions and options of those.
_ESCAPED = re.compile(r"\^(.)", re.DOTALL)
_CMD_BETWEEN = re.compile(r"[&|\n]+|\)\s*(?=else\b)", re.I)
_CMD_BEFORE = re.compile(
    r"""[\s"'@(]+|(call|else|do)\s+|start(\s+\0)?(\s+/(d\s+\S+|(?!d\b)\w+))*\s+"""
    r"""|for\s.*?\bin\s*\(.*?\)\s*do\s+"""
    r"""|if\s+(/i\s+)?(not\s+)?((exist|defined|errorlevel|cmdextversion)\s+\S+"""
    r"""|\S+\s*==\s*\S+|\S+\s+(equ|neq|lss|leq|gtr|geq)\s+\S+)\s*""",
    re.I | re.DOTALL,
)
_CMD_WORD = re.compile(r"""[^\s"'&|)]+""")
# Where PowerShell takes a command: at the start of a statement, a block or brackets, and behind an
# assignment. A word before `=` is a key of a hash table, one before `{` a label of a switch.
_POWERSHELL_WORD = re.compile(
    r"""(?:^|[;|\n{]|&&|(?<![\w\])])\()[\s"'&({]*(?:return\s+)?(?:\$[\w:]+\s*[+]?=\s*[&(]*\s*)*"""
    r"""([^\s"';|&(){}=]++)(?!\s*[={])"""
)
# Images for both systems that bring the tools of busybox along on Windows: kubernetes/kubernetes
# test/images/busybox, agnhost.
_WITH_TOOLS = re.compile(r"(^|/)(e2e-test-images|kubernetes-e2e-test-images)/|(^|/)(busybox|agnhost)$")


def is_windows(command: Sequence[str]) -> bool:
    """Whether only Windows has a program of this name. pwsh without an extension runs on both."""
    word = command[0].strip() if command else ""
    if word.startswith("-"):
        return False
    name = re.split(r"[\\/\s]", word, maxsplit=1)[0].lower()
    return (
        word.lower().endswith(_EXTENSIONS)
        or bool(_DRIVE.match(word))
        or name in ("cmd", "powershell", "powershell.exe", "cmd.exe")
    )


def brings_tools(repository: str) -> bool:
    """Whether an image of this name holds the tools of busybox on Windows, too."""
    return bool(_WITH_TOOLS.search(repository))


def linux_program(command: Sequence[str], repository: str = "") -> str:
    """The program of Linux that a command runs, itself or through cmd or PowerShell; an empty text if it
    runs none.
    """
    word = command[0].strip() if command else ""
    if brings_tools(repository):
        return ""
    shell = re.split(r"[\\/]", word.lower())[-1].removesuffix(".exe")
    if shell == "cmd":
        return _inner(_after(command[1:], ("/c", "/k", "/r")), "cmd", _SHELLS | _TOOLS)
    if shell in ("powershell", "pwsh"):
        return _of_powershell(command[1:])
    return word if _is_linux(word, _SHELLS | _TOOLS) else ""


def starts_a_linux_shell(words: Sequence[str]) -> bool:
    """Whether these are the words `sh -c …`: whatever the image's entrypoint, no program of Windows takes
    them.
    """
    return (
        len(words) > 1
        and words[1].startswith("-")
        and words[1].endswith("c")
        and _is_linux(words[0], _SHELLS)
    )


def _is_linux(word: str, names: frozenset[str]) -> bool:
    """Whether a word is a program of Linux.

    Windows does not tell /BIN/SH from \\bin\\sh; a path without .exe is a file of that very name.
    """
    first = next(iter(word.split()), "")
    if first.lower().endswith(_EXTENSIONS) or _DRIVE.match(first):
        return False
    path = re.sub(r"[\\/]+", "/", first.lower())
    folder, name = path.rpartition("/")[::2]
    if _SCRIPT.search(path) or (name in names and (not folder or path.startswith("/"))):
        return True
    return bool(_LINUX_FOLDER.match(path)) and names is not _SHELLS


def _of_powershell(words: Sequence[str]) -> str:
    """List what PowerShell runs: its -Command, or a script from a file that ends in .ps1.

    Names may be shortened (-Com).
    """
    for place, word in enumerate(words):
        switch = word.lower()
        if switch.startswith("-f") and "-file".startswith(switch):
            return next((script for script in words[place + 1 : place + 2] if _SCRIPT.search(script)), "")
        if switch.startswith("-c") and "-command".startswith(switch):
            return _inner(" ".join(words[place + 1 :]), "powershell", (_SHELLS | _TOOLS) - _ALIASES)
    bare = bool(words) and not words[0].startswith("-")
    return _inner(" ".join(words), "powershell", (_SHELLS | _TOOLS) - _ALIASES) if bare else ""


def _after(words: Sequence[str], switches: tuple[str, ...]) -> str:
    """The command line behind a switch, or nothing."""
    place = next((place for place, word in enumerate(words) if word.lower() in switches), None)
    return " ".join(words[place + 1 :]) if place is not None else ""


def _inner(line: str, shell: str, names: frozenset[str]) -> str:
    """The first program of Linux in a command line."""
    words = _cmd_words(line) if shell == "cmd" else _POWERSHELL_WORD.findall(_QUOTED.sub(_TEXT, line))
    return next((word for word in words if _is_linux(word, names)), "")


def _cmd_words(line: str) -> Iterator[str]:
    """The programs of a command line of cmd: the first word of each part that is none of cmd's own."""
    shown = _ESCAPED.sub(lambda found: found[1] if found[1].isalnum() else _TEXT, line)
    for part in _CMD_BETWEEN.split(_QUOTED.sub(_TEXT, shown)):
        place = 0
        while before := _CMD_BEFORE.match(part, place):
            place = before.end()
        if word := _CMD_WORD.match(part, place):
            yield word[0]
