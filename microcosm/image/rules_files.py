"""Rules on names and places of files: what Windows cannot hold, and folders that the service writes to."""

import re
from collections import defaultdict
from collections.abc import Iterator

from .findings import Finding, refused, told, warned
from .recognise import installed
from .subject import Subject
from .tree import parents

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_BAD = re.compile(r'[<>:"|?*\\\x00-\x1f]')
# MAX_PATH is 260 with drive and end; temporary ASP.NET files and log names are longer than what they belong
# to.
LONG, LONGEST = 240, 32_000
_LOG_FOLDER = re.compile(r"(?:^|/)(App_Data|logs?|uploads?|temp|tmp)$", re.IGNORECASE)
_LOG_FILE = re.compile(r"^(?:\$\{basedir\}|\.)?[\\/]*((?:[\w .-]+[\\/])+)[^\\/]*$")


def check(subject: Subject) -> Iterator[Finding]:
    yield from names(subject)
    for folder in writable(subject):
        yield told(
            "writable",
            folder,
            "gets Modify for IIS_IUSRS; what is written there is lost with the pod, so mount a volume for "
            "what must stay",
        )


def names(subject: Subject) -> Iterator[Finding]:
    folded = defaultdict[str, set[str]](set)
    for path in subject.tree:
        for one in (*parents(path), path):
            folded[one.lower()].add(one)
        yield from _name(subject, path)
    for twins in folded.values():
        if len(twins) > 1:
            yield refused(
                "case-twins",
                sorted(twins)[0],
                f"and {sorted(twins)[1]} are one file on Windows",
                "rename or remove one of them",
            )


def _name(subject: Subject, path: str) -> Iterator[Finding]:
    for part in path.split("/"):
        if _RESERVED.fullmatch(part):
            yield refused("reserved-name", path, f"{part} is the name of a device on Windows", "rename it")
        if part != part.rstrip(". "):
            yield refused(
                "trailing-dot",
                path,
                "a name that ends with a dot or a space, which Windows cuts off",
                "rename it",
            )
        if _BAD.search(part):
            yield refused(
                "bad-character",
                path,
                "a name with a character that Windows does not allow",
                'rename it without < > : " | ? * \\',
            )
    length = len(installed(subject.place, path))
    if length > LONGEST:
        yield refused(
            "long-path",
            path[:80],
            f"its path has {length} characters, and Windows allows {LONGEST}",
            "shorten its folders' names",
        )
    elif length > LONG:
        yield warned(
            "long-path",
            path,
            f"its path has {length} characters; most programs stop at 260",
            "shorten its folders' names",
        )


def writable(subject: Subject) -> list[str]:
    """Return the folders, below the service's, that it writes to:

    App_Data, folders for logs and uploads, and those given.
    """
    found = {folder for folder in subject.tree.folders() if _LOG_FOLDER.search(folder)}
    found |= {folder for folder, _ in log_targets(subject)}
    found |= {folder.replace("\\", "/").strip("/") for folder in subject.choices.writable}
    if subject.kind.is_site:
        found.add(subject.tree.find("App_Data") or "App_Data")
    by_folded = {folder.lower(): folder for folder in sorted(found, reverse=True)}
    return sorted(by_folded.values())


def log_targets(subject: Subject) -> list[tuple[str, str]]:
    """Return folder and pattern of log4net's and NLog's files that are relative to the service."""
    found = set[tuple[str, str]]()
    for config in (*subject.configs, *subject.library_configs):
        files = [element.get("value") or "" for element in config.all("file")]
        files += [element.get("fileName") or "" for element in config.all("target")]
        for value in files:
            match = _LOG_FILE.match(value)
            if match:
                ending = value.rpartition(".")[2] if "." in value else ""
                pattern = f"*.{ending}" if ending.isalnum() else "*"
                found.add((match[1].replace("\\", "/").strip("/"), pattern))
    return sorted(found)
