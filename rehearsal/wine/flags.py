"""Parse the flags in a program's --help and check a command line against them.

kubeadm, kubelet and kube-proxy print the flags of pflag (`--name type text`), flanneld those of Go's flag
package (`-name type`, then the text). A retired flag is absent there or marked DEPRECATED.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PFLAG = re.compile(r"^ {2,}(?:-\w, |    )--(?P<name>[\w.-]+)(?: (?P<type>\S+))?(?: {2,}(?P<text>.*))?$")
_GO_FLAG = re.compile(r"^  -(?P<name>[\w-]+)(?: (?P<type>\S+))?(?:\t(?P<text>.*))?$")
_REFUSAL = re.compile(
    r"unknown (?:shorthand )?flag|flag provided but not defined|unrecognized feature gate"
    r"|invalid argument .* for .* flag"
)
_ENDING = re.compile(r"^Flag --(?P<name>\S+) has been deprecated|Setting (?:GA|deprecated) feature gate")
# kubelet prints this for nearly all of its flags and has for years, without announcing a removal. kubeadm
# gives all nodes one configuration file, so settings for Windows alone must be flags.
_PREFERS_FILE = "This parameter should be set via the config file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """A flag; `takes_value` is False for a switch."""

    takes_value: bool
    text: str

    @property
    def is_deprecated(self) -> bool:
        return "DEPRECATED" in self.text and _PREFERS_FILE not in self.text


def read(help_text: str) -> dict[str, Flag]:
    """Return the flags by name, without dashes."""
    found: dict[str, Flag] = {}
    name = ""
    for line in help_text.splitlines():
        match = _PFLAG.match(line) or _GO_FLAG.match(line)
        if match:
            name = match["name"]
            found[name] = Flag(takes_value=match["type"] is not None, text=match["text"] or "")
        elif name and line.startswith((" ", "\t")):
            found[name] = Flag(
                takes_value=found[name].takes_value, text=f"{found[name].text} {line.strip()}".strip()
            )
        else:
            name = ""
    return found


def problems(words: Iterable[str], known: Mapping[str, Flag]) -> list[str]:
    """Return the words that the program would refuse, now or soon."""
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
    """Return the line with which a program refuses its command line, or an empty text."""
    return next((line.strip() for line in output.splitlines() if _REFUSAL.search(line)), "")


def deprecations(output: str, from_kubeadm: Iterable[str] = ()) -> list[str]:
    """Return the lines in which a running program reports deprecated flags and feature gates of ours.

    `from_kubeadm` holds the arguments that kubeadm wrote for this kubelet: when to drop them is kubeadm's to
    know. That of 1.34 gives --pod-infra-container-image (kubernetes v1.34.11,
    cmd/kubeadm/app/phases/kubelet/flags.go).
    """
    kubeadms = {word.lstrip("-").partition("=")[0] for word in from_kubeadm}
    found = [
        (line, match["name"])
        for line in output.splitlines()
        if (match := _ENDING.search(line)) and _PREFERS_FILE not in line
    ]
    return [line for line, name in found if name not in kubeadms]
