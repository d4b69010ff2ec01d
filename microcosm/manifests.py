"""Kubernetes objects from files, folders and standard input: YAML of many documents, or JSON."""

import codecs
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from infra.policy import Document

STDIN = "-"
STDIN_NAME = "(standard input)"
SUFFIXES = (".yaml", ".yml", ".json")
HELM_HINT = "it looks like a Helm template: check what `helm template` makes of it"
# What YAML 1.1 makes of a date and of a bare `=`; to Kubernetes both are texts.
_NOT_KUBERNETES = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """PyYAML's safe loader, in C where it has it, which leaves dates alone."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and form
        first: [(tag, pattern) for tag, pattern in pairs if tag not in _NOT_KUBERNETES] for first, pairs in _Base.yaml_implicit_resolvers.items()
    }


class ManifestError(Exception):
    """A text that cannot be read, in one sentence."""


@dataclass(slots=True)
class Manifests:
    """What was read: the objects, how many documents were none, and a sentence for each thing that could not be read."""

    documents: list[Document] = field(default_factory=list[Document])
    others: int = 0
    problems: list[str] = field(default_factory=list[str])


def load(paths: Iterable[str], stdin: BinaryIO) -> Manifests:
    """Everything under the paths; `-` is standard input. A path that cannot be read does not hide the others."""
    read = Manifests()
    for path in paths:
        try:
            for source, data in _texts(path, stdin):
                _add(read, source, data)
        except OSError as error:
            read.problems.append(f"{error.filename or path}: {error.strerror or error}")
        except ManifestError as error:
            read.problems.append(str(error))
    if not read.documents and not read.problems:
        read.problems.append(f"{' '.join(paths)}: no Kubernetes object (a mapping with apiVersion and kind) was found")
    return read


def _texts(path: str, stdin: BinaryIO) -> Iterator[tuple[str, bytes]]:
    if path == STDIN:
        yield STDIN_NAME, stdin.read()
    elif Path(path).is_dir():
        files = _files(path)
        if not files:
            raise ManifestError(f"{path}: the folder holds no {', '.join(SUFFIXES)} file")
        yield from ((str(file), file.read_bytes()) for file in files)
    else:
        yield path, Path(path).read_bytes()


def _files(folder: str) -> Sequence[Path]:
    """The manifests of a folder and of those in it, except hidden ones."""
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(where, name) for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
    return sorted(found)


def _add(read: Manifests, source: str, data: bytes) -> None:
    """The documents of one text, as far as it can be read."""
    try:
        for index, (line, value) in enumerate(_parse(_decode(data)), start=1):
            if isinstance(value, dict) and isinstance(value.get("kind"), str) and isinstance(value.get("apiVersion"), str):
                read.documents.append(Document(object=value, source=source, index=index, line=line))
            elif value is not None:
                read.others += 1
    except ManifestError as error:
        read.problems.append(f"{source}{error}")


def _decode(data: bytes) -> str:
    """UTF-8, or the UTF-16 that PowerShell's `>` writes."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(f":{line}: not a text in UTF-8 (byte {error.start})") from None


def _parse(text: str) -> Iterator[tuple[int, Any]]:
    """Each document with the line on which it begins."""
    if text.lstrip().startswith("{"):
        try:
            yield 1, json.loads(text)
        except (ValueError, RecursionError):
            yield from _parse_yaml(text)  # flow style YAML, or nothing: its message names the line
    else:
        yield from _parse_yaml(text)


def _parse_yaml(text: str) -> Iterator[tuple[int, Any]]:
    line = 1
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1
            _refuse_repeated_keys(node)
            yield line, loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ManifestError(_sentence(error, text, line)) from None
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
        # What PyYAML's constructors raise on `!!bool x`, `!!timestamp x` or a number of 5000 digits.
        raise ManifestError(f":{line}: a value of this document is not of its type (a tag such as !!int, or a number beyond bounds)") from None
    except RecursionError:
        raise ManifestError(f":{line}: nested too deeply to be a manifest") from None


def _refuse_repeated_keys(root: yaml.Node) -> None:
    """Kubernetes refuses a key that is written twice; PyYAML would silently believe the last."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        children = node.value if isinstance(node, yaml.SequenceNode) else []
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys and key.value != "<<":
                    raise ManifestError(f":{key.start_mark.line + 1}: the key {key.value!r} is written twice, which Kubernetes refuses")
                keys.add(str(key.value))
                children = [*children, key, value]
        fresh = [child for child in children if id(child) not in seen]
        seen.update(map(id, fresh))
        waiting += fresh


def _sentence(error: yaml.YAMLError, text: str, line: int) -> str:
    """`:line: not YAML: what is wrong` and, where it helps, what to do."""
    mark = getattr(error, "problem_mark", None)
    lines = text.splitlines()
    line = min(mark.line + 1, len(lines)) if mark else line
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    helm = any("{{" in around for around in lines[max(0, line - 2) : line])
    return f":{line}: not YAML: {' '.join(str(problem).split())}" + (f"; {HELM_HINT}" if helm else "")
