"""Cut a text into the documents that kubectl sees in it.

Source: k8s.io/apimachinery v0.35.8 pkg/util/yaml/decoder.go, YAMLOrJSONDecoder and YAMLReader. kubectl stops
at the first document that it cannot read. Here such a document is a problem, and the reading goes on.
"""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from .kubectl_values import Builder, Unreadable, compose, is_one_document

HELM_HINT = "it looks like a Helm template: check what `helm template` makes of it"
_SEPARATOR = "---"
# Where another JSON object seems to begin; two braces are a template.
_CONTENT = re.compile(r"[^\s#][^\r\n]*|#[^\r\n]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_NEXT_OBJECT = re.compile(r"\n(?=\{(?!\{))")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document: its first line (from 1), its value as JSON, the keys written twice, the first line of each
    of its items.

    `lost` is the line of what kubectl passes over in silence: in YAML a document may end before the next line
    of dashes.
    """

    line: int
    value: Any
    repeated: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    item_lines: tuple[int, ...] = ()
    lost: int | None = None


def documents(text: str) -> Iterator[Parsed | Unreadable]:
    """Yield each document of the text, or what is wrong with it; kubectl reads JSON until that fails, then
    YAML.
    """
    place = 0
    if text.lstrip().startswith("{"):
        place = yield from _json_objects(text)
    yield from _yaml_documents(text, place)


def _json_objects(text: str) -> Generator[Parsed | Unreadable, None, int]:
    """Yield one JSON object after the other; return where YAML begins."""
    place, count = 0, 0
    while (start := _after_space(text, place)) < len(text):
        line = text.count("\n", 0, start) + 1
        repeated: list[tuple[int, str]] = []
        decoder = json.JSONDecoder(
            object_pairs_hook=lambda pairs, line=line, found=repeated: _object(pairs, line, found),
            parse_constant=_refuse,
        )
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            after = _NEXT_OBJECT.search(text, start)
            if after and f"\n{_SEPARATOR}" not in f"\n{text[start:]}" and not is_one_document(text[start:]):
                # kubectl reads no further than this object; it may be YAML, and what follows is more JSON.
                yield from _document(text[start : after.end()], line)
                place = after.end()
                continue
            if count > 1:
                yield Unreadable(line, "kubectl takes no YAML after more than one JSON object")
            return _after_first_newline(text, place)
        count += 1
        yield Parsed(line, _without_halves(value) if _HALF.search(text) else value, repeated)
    return len(text)


def _after_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _after_first_newline(text: str, place: int) -> int:
    """Where YAML begins: kubectl eats white space up to the first newline, and no indentation behind it."""
    while place < len(text) and text[place].isspace():
        place += 1
        if text[place - 1] == "\n":
            break
    return place


def _object(pairs: list[tuple[str, Any]], line: int, repeated: list[tuple[int, str]]) -> dict[str, Any]:
    """A JSON object; of a key that is written twice Go's decoder believes the last, as Python's does."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated += [(line, key) for key in made if keys.count(key) > 1]
    return made


def _without_halves(value: Any) -> Any:
    """Put U+FFFD for each half of a surrogate pair, as Go's decoder does; no output could be made of it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_halves(each) for each in value]
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(each) for key, each in value.items()}
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _yaml_documents(text: str, place: int) -> Iterator[Parsed | Unreadable]:
    """Yield the YAML documents from a place on: kubectl cuts at lines that begin with ---, before it
    parses any of it.
    """
    number = text.count("\n", 0, place)
    first, lines = number + 1, list[str]()
    for line in text[place:].removesuffix("\n").split("\n"):
        number += 1
        if not line.startswith(_SEPARATOR):
            lines.append(line)
            continue
        rest = line.removeprefix(_SEPARATOR).strip()
        if rest and not rest.startswith("#"):
            yield from _document("\n".join([*lines, ""]), first)
            yield Unreadable(
                number, f"kubectl takes nothing but a comment after ---, and here is {rest[:40]!r}"
            )
            first, lines = number, [f"   {rest}"] if rest.strip("-") else [""]
        elif lines:
            yield from _document("\n".join([*lines, ""]), first)
            first, lines = number + 1, []
        else:
            # Nothing is before it: YAMLReader leaves this one to the parser.
            lines.append(line)
    yield from _document("\n".join([*lines, ""]), first)


def _document(text: str, first: int) -> Iterator[Parsed | Unreadable]:
    """Yield the document of a piece of text, unless it holds none."""
    try:
        if (node := compose(text)) is not None:
            builder = Builder(text, first)
            if isinstance(value := builder.value(node), Unreadable):
                raise value
            yield Parsed(
                builder.line(node),
                value,
                builder.repeated,
                builder.item_lines(node),
                _lost(text, node, first),
            )
    except yaml.YAMLError as error:
        yield _of_yaml(error, text, first)
    except Unreadable as problem:
        yield Unreadable(problem.line, problem.sentence + _hint(text.split("\n"), problem.line - first + 1))
    except RecursionError:
        yield Unreadable(first, "nested too deeply to be a manifest")


def _lost(text: str, node: yaml.Node, first: int) -> int | None:
    """The line on which something stands behind the end of the first document."""
    for found in _CONTENT.finditer(text, node.end_mark.index):
        if not found[0].startswith("#") and found[0].strip() not in ("...", _SEPARATOR):
            return first + len(re.findall(r"\r\n?|\n", text[: found.start()]))
    return None


def _of_yaml(error: yaml.YAMLError, text: str, first: int) -> Unreadable:
    """Say what is wrong and, where it helps, what to do."""
    mark = getattr(error, "problem_mark", None)
    lines = text.rstrip("\n").split("\n")
    line = min(mark.line + 1, len(lines)) if mark else 1
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return Unreadable(first + line - 1, f"not YAML: {' '.join(str(problem).split())}{_hint(lines, line)}")


def _hint(lines: list[str], line: int) -> str:
    return f"; {HELM_HINT}" if any("{{" in around for around in lines[max(0, line - 2) : line]) else ""
