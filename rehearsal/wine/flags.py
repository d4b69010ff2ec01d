"""What a program's --help says of its flags, and what that means for a command line.

kubeadm, kubelet and kube-proxy print the flags of pflag (`--name type   text`), flanneld those of Go's own package
(`-name type`, then the text). A flag that its maker has retired is either gone from there or marked DEPRECATED."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PFLAG = re.compile(r"^ {2,}(?:-\w, |    )--(?P<name>[\w.-]+)(?: (?P<type>\S+))?(?: {2,}(?P<text>.*))?$")
_GO_FLAG = re.compile(r"^  -(?P<name>[\w-]+)(?: (?P<type>\S+))?(?:\t(?P<text>.*))?$")
_REFUSAL = re.compile(r"unknown (?:shorthand )?flag|flag provided but not defined|unrecognized feature gate|invalid argument .* for .* flag")
_ENDING = re.compile(r"^Flag --\S+ has been deprecated|Setting (?:GA|deprecated) feature gate")
# kubelet says this of nearly all of its flags and has for years: it announces no end. kubeadm gives all nodes one
# configuration file, so what only Windows needs can only be a flag.
_PREFERS_FILE = "This parameter should be set via the config file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """`takes_value` is false for a switch, which may stand alone."""

    takes_value: bool
    text: str

    @property
    def is_deprecated(self) -> bool:
        return "DEPRECATED" in self.text and _PREFERS_FILE not in self.text


def read(help_text: str) -> dict[str, Flag]:
    """The flags by name, without dashes."""
    found: dict[str, Flag] = {}
    name = ""
    for line in help_text.splitlines():
        match = _PFLAG.match(line) or _GO_FLAG.match(line)
        if match:
            name = match["name"]
            found[name] = Flag(takes_value=match["type"] is not None, text=match["text"] or "")
        elif name and line.startswith((" ", "\t")):
            found[name] = Flag(takes_value=found[name].takes_value, text=f"{found[name].text} {line.strip()}".strip())
        else:
            name = ""
    return found


def problems(words: Iterable[str], known: Mapping[str, Flag]) -> list[str]:
    """What the program would not take of this command line, or will not for long."""
    return [problem for word in words if word.startswith("-") and (problem := _problem(word, known))]


def _problem(word: str, known: Mapping[str, Flag]) -> str:
    name, equals, _ = word.lstrip("-").partition("=")
    flag = known.get(name)
    if flag is None:
        return f"{word}: the program has no flag --{name}"
    if flag.takes_value and not equals:
        return f"{word}: --{name} takes a value, which must follow after ="
    return f"{word}: --{name} is deprecated: {flag.text}" if flag.is_deprecated else ""


def refusal(output: str) -> str:
    """The line in which a program says that it does not take its command line."""
    return next((line.strip() for line in output.splitlines() if _REFUSAL.search(line)), "")


def complaints(output: str) -> list[str]:
    """What a running program says of flags and feature gates that it will not take for long."""
    return [line for line in output.splitlines() if _ENDING.search(line) and _PREFERS_FILE not in line]
