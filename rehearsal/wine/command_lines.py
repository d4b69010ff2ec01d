"""Read the command lines in userdata/windows/worker.ps1: arrays of single-quoted words with @TOKENS@.

Only literals are read; anything that PowerShell would have to evaluate is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.wine.errors import WineError

WORKER = Path(__file__).parents[2] / "userdata/windows/worker.ps1"
_WORD = re.compile(r"'((?:[^'\n]|'')*)'")
_HERE_STRING = re.compile(r"(?<== )@'\n.*?\n'@", re.DOTALL)
_TOKEN = re.compile(r"@[A-Z_]+@")


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """One of Flannel's backends on Windows."""

    name: str
    kube_proxy_arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandLines:
    """The arguments of each program, with their tokens."""

    kubeadm: tuple[str, ...]
    kubelet: tuple[str, ...]
    flanneld: tuple[str, ...]
    kube_proxy: tuple[str, ...]
    networks: Mapping[str, Network]


def read(script: str) -> CommandLines:
    """Read every array that is the command line of a program under Wine."""
    script = _HERE_STRING.sub("''", script)  # Braces in here-strings are not the script's.
    return CommandLines(
        kubeadm=_array(script, "$KubeadmArguments"),
        kubelet=_array(script, "$KubeletArguments"),
        flanneld=_array(script, "$FlanneldArguments"),
        kube_proxy=_array(script, "$KubeProxyArguments"),
        networks=_networks(script),
    )


def of_the_product() -> CommandLines:
    return read(WORKER.read_text(encoding="ascii"))


def filled(words: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """Replace the tokens in the words, as Expand-Token does."""
    return tuple(filled_text(word, values) for word in words)


def filled_text(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    if left := _TOKEN.findall(text):
        raise WineError(f"there is no value for {', '.join(left)} in {text!r}; there are {', '.join(values)}")
    return text


def value_of(words: tuple[str, ...], flag: str) -> str:
    """Return the value of `--flag=value`."""
    found = [word.removeprefix(f"{flag}=") for word in words if word.startswith(f"{flag}=")]
    if len(found) != 1:
        raise WineError(f"{flag}= stands {len(found)} times in: {' '.join(words)}")
    return found[0]


def _networks(script: str) -> dict[str, Network]:
    """Read the table $Networks by backend; an entry ends with a brace at the depth of its beginning."""
    table = re.search(r"^\$Networks = @\{\n(.*?)^\}", script, re.MULTILINE | re.DOTALL)
    entries = (
        re.findall(r"^    '([\w-]+)' = @\{\n(.*?)^    \}", table[1], re.MULTILINE | re.DOTALL)
        if table
        else []
    )
    if not entries:
        raise WineError("worker.ps1 has no table $Networks")
    return {
        backend: Network(
            name=_text(entry, "Name"),
            kube_proxy_arguments=_array(entry, "KubeProxyArguments"),
        )
        for backend, entry in entries
    }


def _array(script: str, name: str) -> tuple[str, ...]:
    """Read `name = @('a', 'b')`, on one line or with one word per line."""
    found = re.findall(rf"^ *{re.escape(name)} = @\(((?:{_WORD.pattern}|[\s,])*)\)$", script, re.MULTILINE)
    if len(found) != 1:
        raise WineError(f"worker.ps1 has {len(found)} arrays {name} of single-quoted words; one is wanted")
    return tuple(word.replace("''", "'") for word in _WORD.findall(found[0][0]))


def _text(entry: str, name: str) -> str:
    found = re.search(rf"^ *{name} = {_WORD.pattern}$", entry, re.MULTILINE)
    if found is None:
        raise WineError(f"worker.ps1, $Networks: no text {name}")
    return found[1].replace("''", "'")
