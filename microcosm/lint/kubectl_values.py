"""Make JSON of the nodes of one YAML document, as kubectl does: the scalars, the merges, the keys.

Sources: go.yaml.in/yaml v2.4.3 resolve.go and decode.go, sigs.k8s.io/yaml v1.6.0 yaml.go
(convertToJSONableObject), both as kubectl v1.35.8 builds them in. YAML 1.1 is not enough: to kubectl `y` is
true, 0o14 is 12, 1e3 is 1000 and 1:30 is a text.
"""

import base64
import binascii
import math
import re
from typing import Any

import yaml
from yaml.composer import ComposerError

_PLAIN = "microcosm:plain"
_TAGS = "tag:yaml.org,2002:"
_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Go's strconv.ParseInt with base 0, after the underscores are gone.
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
NO_KEY = "a key must be a text, a number or a truth value"
_BASES = (16, 2, 8, 10)
_MOST_DIGITS = 64  # of a number that 64 bits hold, written in base 2
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
# An escape of YAML 1.2, which Go's parser does not know (go.yaml.in/yaml v2.4.3 scannerc.go,
# yaml_parser_scan_flow_scalar).
_ESCAPED_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
_YEAR = re.compile(r"[0-9]{4}-", re.ASCII)


class Unreadable(Exception):
    """Why a document cannot be read, and the line (from 1)."""

    def __init__(self, line: int, sentence: str) -> None:
        self.line, self.sentence = line, sentence
        super().__init__(f":{line}: {sentence}")


_Base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Loader(_Base):
    """PyYAML's parser, in C where it has it, which leaves it to us what a plain scalar is."""

    yaml_implicit_resolvers = {None: [(_PLAIN, re.compile(""))]}  # noqa: RUF012 - PyYAML's own name and form


class _SlowLoader(yaml.BaseLoader):
    """The same in Python, where an anchor may be given again: the parser in C refuses that, Go's does not."""

    yaml_implicit_resolvers = Loader.yaml_implicit_resolvers

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(getattr(event, "anchor", None), None)
        return super().compose_node(parent, index)


def compose(text: str) -> yaml.Node | None:
    """The nodes of the first document of a text, or None if there is none."""
    try:
        loader = Loader(text)
        return loader.get_node() if loader.check_node() else None
    except ComposerError as error:
        if "anchor" not in str(error.context):
            raise
    slow = _SlowLoader(text)
    return slow.get_node() if slow.check_node() else None


def is_one_document(text: str) -> bool:
    """Whether the text is a document of YAML, and nothing is left over after it."""
    try:
        loader = Loader(text)
        return loader.check_node() and loader.get_node() is not None and not loader.check_node()
    except (yaml.YAMLError, RecursionError):
        return False


class Builder:
    """Makes JSON of the nodes of one document."""

    def __init__(self, text: str, first: int) -> None:
        self._text, self._first = text, first
        self.repeated: list[tuple[int, str]] = []
        self._made: dict[int, Any] = {}
        self._under_way: set[int] = set()

    def item_lines(self, root: yaml.Node) -> tuple[int, ...]:
        """The first line of each item of a list of objects."""
        for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
            if key.value == "items" and isinstance(value, yaml.SequenceNode):
                return tuple(self.line(item) for item in value.value)
        return ()

    def line(self, node: yaml.Node) -> int:
        return self._first + node.start_mark.line

    def value(self, node: yaml.Node) -> Any:
        if id(node) in self._under_way:
            raise Unreadable(self.line(node), "an anchor that contains itself")
        if id(node) not in self._made:
            self._under_way.add(id(node))
            self._made[id(node)] = self._make(node)
            self._under_way.discard(id(node))
        return self._made[id(node)]

    def _make(self, node: yaml.Node) -> Any:
        """The value, or why JSON cannot hold it: that counts only where no repeated key replaces the
        value.
        """
        if isinstance(node, yaml.MappingNode):
            made: dict[str, Any] = {}
            self._fill(node, made, set())
            return next((value for value in made.values() if isinstance(value, Unreadable)), made)
        if isinstance(node, yaml.SequenceNode):
            values = [self.value(item) for item in node.value]
            return next((value for value in values if isinstance(value, Unreadable)), values)
        assert isinstance(node, yaml.ScalarNode)
        value = self._scalar(node)
        if isinstance(value, float) and not math.isfinite(value):
            return Unreadable(self.line(node), f"{node.value} is no number that JSON can hold")
        # Out of the JSON that Go makes of it, 1e3 comes back as 1000, and what 64 bits do not hold as a
        # float.
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
            return int(value)
        return float(value) if type(value) is int and value >= 2**63 else value

    def _fill(self, node: yaml.MappingNode, made: dict[str, Any], written: set[str]) -> None:
        """Put the pairs in their order; a merge overwrites what is before it, as in go.yaml.in/yaml v2."""
        for key_node, value_node in node.value:
            if key_node.value == "<<" and key_node.tag in (_PLAIN, f"{_TAGS}merge"):
                for merged in self._merged(value_node):
                    self._fill(merged, made, set())
                continue
            key = self._key(key_node)
            if isinstance(key, Unreadable):
                made[f"\0{len(made)}"] = key
                continue
            if key in written:
                self.repeated.append((self.line(key_node), key))
            written.add(key)
            made[key] = self.value(value_node)

    def _merged(self, node: yaml.Node) -> list[yaml.MappingNode]:
        """The mappings of a merge, those that win last."""
        nodes = [*reversed(node.value)] if isinstance(node, yaml.SequenceNode) else [node]
        if id(node) in self._under_way or any(id(each) in self._under_way for each in nodes):
            raise Unreadable(self.line(node), "an anchor that contains itself")
        mappings = [each for each in nodes if isinstance(each, yaml.MappingNode)]
        if len(mappings) < len(nodes):
            raise Unreadable(self.line(node), "<< merges mappings only")
        return mappings

    def _key(self, node: yaml.Node) -> "str | Unreadable":
        if not isinstance(node, yaml.ScalarNode):
            raise Unreadable(self.line(node), f"not YAML: {NO_KEY}")
        key = self._scalar(node)
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, float):
            return f"{key:.7g}"
        if not isinstance(key, int | str):
            return Unreadable(self.line(node), NO_KEY)
        return str(key)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        """Return the value of a scalar; a tag of its own kind (!Ref) says nothing, one of YAML's own must
        fit.
        """
        tag = node.tag.removeprefix(_TAGS)
        written = self._text[node.start_mark.index : node.end_mark.index] if node.style == '"' else ""
        if _ESCAPED_SLASH.search(written):
            raise Unreadable(self.line(node), r"not YAML: \/ is no escape for kubectl; write / alone")
        if tag == "binary":
            try:
                return base64.b64decode(node.value.replace("\n", ""), validate=True).decode(errors="replace")
            except (binascii.Error, ValueError):
                raise Unreadable(self.line(node), "the value after !!binary is no base64") from None
        # libyaml drops the tag `!`, which makes any scalar a text.
        if tag not in (_PLAIN, "bool", "int", "float", "null", "timestamp") or self._text.startswith(
            "! ", node.start_mark.index
        ):
            return node.value
        value = _resolved(node.value)
        if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        kind = {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "")
        if tag not in (_PLAIN, kind) and not (tag == "timestamp" and _YEAR.match(node.value)):
            raise Unreadable(
                self.line(node),
                f"a value of this document is not of its type: {node.value[:40]!r} is no !!{tag}",
            )
        return value


def _resolved(text: str) -> Any:
    """A plain scalar: null, true, 3, 0x1F, 1e3, or the text that it is (1:30 and 2026-01-01 too)."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    if text[0] == "." or text[0] not in "+-0123456789":
        return _float(text) if text[0] == "." else text
    plain = text.replace("_", "")
    if match := _INTEGER.fullmatch(plain):
        digits, base = next(
            (digits, base) for digits, base in zip(match.groups()[1:], _BASES, strict=True) if digits
        )
        value = int(digits, base) if len(digits) <= _MOST_DIGITS else 2**64
        value = -value if match[1] == "-" else value
        if -(2**63) <= value < (2**63 if match[1] else 2**64):
            return value
    number = _float(plain)
    return text if number is plain else number


def _float(text: str) -> Any:
    """The text as a number, if it is one that 64 bits hold."""
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
