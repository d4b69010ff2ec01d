"""Kubernetes objects from files, folders and standard input: YAML of many documents, or JSON."""

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from infra.lint import Document
from infra.lint.objects import is_list

from .kubectl_text import documents
from .kubectl_values import Unreadable

STDIN = "-"
STDIN_NAME = "(standard input)"
SUFFIXES = (".yaml", ".yml", ".json")
_SURROGATE = re.compile("[\udc80-\udcff]")


class ManifestError(Exception):
    """A text that cannot be read, in one sentence."""


@dataclass(slots=True)
class Manifests:
    """The manifests as they were read: objects, and documents that are none.

    `problems` has a sentence for each thing that could not be read, `notes` one for what was read and is odd.
    """

    documents: list[Document] = field(default_factory=list[Document])
    others: int = 0
    notes: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])


def load(paths: Iterable[str], stdin: BinaryIO) -> Manifests:
    """Everything under the paths; `-` is standard input.

    A path that cannot be read does not hide the others.
    """
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
        read.problems.append(
            f"{' '.join(paths)}: no Kubernetes object (a mapping with apiVersion and kind) was found"
        )
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
    """Add the documents of one text; one that cannot be read does not hide the others."""
    for index, found in enumerate(documents(_decode(data)), start=1):
        if isinstance(found, Unreadable):
            read.problems.append(f"{source}{found}")
            continue
        value = found.value
        if found.lost:
            read.notes.append(
                f"{source}:{found.lost}: kubectl passes over what is here: write --- on a line of its own "
                f"before it"
            )
        if (
            isinstance(value, dict)
            and isinstance(value.get("kind"), str)
            and isinstance(value.get("apiVersion"), str)
        ):
            document = Document(
                object=value, source=source, index=index, line=found.line, item_lines=found.item_lines
            )
            read.documents.append(document)
            if is_list(value) and any(is_list(item) for item in value["items"]):
                sentence = (
                    f"an item of this {value['kind']} is a list itself: kubectl takes no list in a list"
                )
                read.problems.append(f"{source}:{found.line}: {sentence}")
            read.notes += [
                f"{source}:{line}: the key {key!r} is written twice: Kubernetes believes the last one"
                for line, key in found.repeated
            ]
        elif value is not None:
            read.others += 1


def _decode(data: bytes) -> str:
    """UTF-8, or the UTF-16 that PowerShell's `>` writes.

    As in kubectl (golang.org/x/text unicode.BOMOverride) U+FFFD stands for what is neither; not after a mark
    of UTF-8, where the parser sees it as it is, and refuses it as it does a NUL.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if not data.startswith(codecs.BOM_UTF8):
        return data.decode(errors="replace")
    return _SURROGATE.sub("\0", data.decode("utf-8-sig", errors="surrogateescape"))
