"""The syntax tree of PowerShell (tree-sitter), without the levels of the grammar that say nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter
import tree_sitter_powershell

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
# One node per level of precedence stands around every value; it says something only when it has an operator.
_LEVELS = {
    f"{level}{kind}_expression"
    for level in ("logical", "bitwise", "comparison", "additive", "multiplicative", "format", "range", "array_literal", "unary")
    for kind in ("", "_argument")
} | {"argument_expression"}


@dataclass(frozen=True, slots=True)
class Node:
    """`parts` are the named children without comments, `tokens` the texts of the others."""

    type: str
    text: str
    start: int
    end: int
    parts: tuple["Node", ...]
    tokens: tuple[str, ...]

    def all(self, *types: str) -> list["Node"]:
        return [part for part in self.parts if part.type in types]

    def one(self, *types: str) -> "Node":
        found = self.all(*types)
        assert len(found) == 1, f"{len(found)} {types} in {self.text[:80]!r}"
        return found[0]


@cache
def parse(text: str) -> Node:
    """The tree of a whole script; a syntax error is an AssertionError that names its line."""
    root = _PARSER.parse(text.encode()).root_node
    wrong = [node for node in _walk_raw(root) if node.type == "ERROR" or node.is_missing]
    assert not wrong, f"line {wrong[0].start_point[0] + 1}: PowerShell's grammar does not know {_text(wrong[0])[:60]!r}"
    return _build(root)


def walk(node: Node, *types: str) -> Iterator[Node]:
    """Every node at and below this one, in order, of these types or of any."""
    if not types or node.type in types:
        yield node
    for part in node.parts:
        yield from walk(part, *types)


def only(node: Node) -> Node:
    """The value that stands alone in a statement, or the statement itself."""
    while node.type in ("pipeline", "pipeline_chain", "statement_list", "program") and len(node.parts) == 1:
        node = node.parts[0]
    return node


def comments(text: str) -> list[str]:
    return [_text(node) for node in _walk_raw(_PARSER.parse(text.encode()).root_node) if node.type == "comment"]


def _build(node: tree_sitter.Node) -> Node:
    named = [child for child in node.children if child.is_named and child.type not in ("comment", "empty_statement")]
    if node.type in _LEVELS and len(named) == 1:
        return _build(named[0])
    return Node(
        type=node.type.replace("_argument_expression", "_expression"),
        text=_text(node),
        start=node.start_byte,
        end=node.end_byte,
        parts=tuple(_build(child) for child in named),
        tokens=tuple(_text(child) for child in node.children if not child.is_named),
    )


def _walk_raw(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _walk_raw(child)


def _text(node: tree_sitter.Node) -> str:
    assert node.text is not None
    return node.text.decode()
