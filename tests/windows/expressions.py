"""The expressions of PowerShell that our scripts use, as values; the other half of the interpreter."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .syntax import Node
from .values import Function, PsError, add, as_text, collapse, compare, element, get, method, spread, truth

if TYPE_CHECKING:
    from .interpreter import Interpreter

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_CASTS: dict[str, Callable[[Any], Any]] = {"bool": truth, "string": as_text, "ordered": dict, "int": int, "datetimeoffset": lambda value: value}


class Expressions:
    """Mixed into Interpreter: `_get_<type of node>` gives the value of one."""

    def value(self: "Interpreter", node: Node) -> Any:
        handler = getattr(self, f"_get_{node.type}", None)
        if handler:
            return handler(node)
        if len(node.parts) == 1:
            return self.value(node.parts[0])
        raise NotImplementedError(f"{node.type}: {node.text[:80]}")

    def _get_pipeline(self: "Interpreter", node: Node) -> Any:
        return self.statement_value(node)

    def _get_variable(self: "Interpreter", node: Node) -> Any:
        scope, _, name = variable_name(node).rpartition(":")
        if scope == "env":
            return self.environment.get(name)
        for place in reversed(self.scopes):
            if name in place:
                return place[name]
        raise PsError(f"the variable '${name}' cannot be retrieved because it has not been set")

    def _get_verbatim_string_characters(self: "Interpreter", node: Node) -> str:
        return node.text[1:-1].replace("''", "'")

    def _get_verbatim_here_string_characters(self: "Interpreter", node: Node) -> str:
        return node.text.split("\n", 1)[1].rsplit("\n", 1)[0]

    def _get_expandable_string_literal(self: "Interpreter", node: Node) -> str:
        source, at, pieces = node.text.encode(), 1, list[str]()
        for part in node.parts:
            pieces += [_unescape(source[at : part.start - node.start]), as_text(self.value(part))]
            at = part.end - node.start
        return "".join([*pieces, _unescape(source[at:-1])])

    def _get_integer_literal(self: "Interpreter", node: Node) -> int:
        return int(node.text)

    def _get_hash_literal_expression(self: "Interpreter", node: Node) -> dict[str, Any]:
        entries = [entry for body in node.all("hash_literal_body") for entry in body.all("hash_entry")]
        return {self._key(entry.one("key_expression")): self.statement_value(entry.parts[-1]) for entry in entries}

    def _key(self: "Interpreter", node: Node) -> str:
        return node.parts[0].text if node.parts[0].type == "simple_name" else self.value(node)

    def _get_array_expression(self: "Interpreter", node: Node) -> list[Any]:
        return self.statements(node)

    def _get_sub_expression(self: "Interpreter", node: Node) -> Any:
        return collapse(self.statements(node))

    def _get_parenthesized_expression(self: "Interpreter", node: Node) -> Any:
        return self.statement_value(node.parts[0])

    def _get_script_block_expression(self: "Interpreter", node: Node) -> Function:
        return Function([], node.parts[0])

    def _get_array_literal_expression(self: "Interpreter", node: Node) -> list[Any]:
        return [self.value(part) for part in node.parts]

    def _get_type_literal(self: "Interpreter", node: Node) -> str:
        return node.text.strip("[]").lower()

    def _get_cast_expression(self: "Interpreter", node: Node) -> Any:
        return _CASTS[self.value(node.parts[0])](self.value(node.parts[-1]))

    def _get_expression_with_unary_operator(self: "Interpreter", node: Node) -> Any:
        value = self.value(node.parts[-1])
        if not node.tokens:
            return value
        return -value if node.tokens[0] == "-" else not truth(value)

    def _get_post_increment_expression(self: "Interpreter", node: Node) -> None:
        self._store(node.parts[0], self.value(node.parts[0]) + 1)

    def _get_member_access(self: "Interpreter", node: Node) -> Any:
        owner, name = node.parts
        if owner.type == "type_literal":
            return self.statics[f"{self.value(owner)}::{name.text.lower()}"]
        return get(self.value(owner), name.text)

    def _get_element_access(self: "Interpreter", node: Node) -> Any:
        return element(self.value(node.parts[0]), self.value(node.parts[1]))

    def _get_invokation_expression(self: "Interpreter", node: Node) -> Any:
        owner, name = node.parts[0], node.one("member_name").text
        arguments = [self.value(item) for item in (part for block in node.one("argument_list").parts for part in block.parts)]
        if owner.type == "type_literal":
            return self.statics[f"{self.value(owner)}::{name.lower()}"](*arguments)
        return method(self.value(owner), name, arguments)

    def _get_logical_expression(self: "Interpreter", node: Node) -> bool:
        left = truth(self.value(node.parts[0]))
        if left == (node.tokens[0].lower() == "-or"):
            return left
        return truth(self.value(node.parts[-1]))

    def _get_comparison_expression(self: "Interpreter", node: Node) -> Any:
        left, operator, right = node.parts
        name, value, other = operator.text.lower(), self.value(left), self.value(right)
        if name != "-cmatch":
            return compare(name, value, other)
        found = re.search(other, value)
        self.scopes[-1]["matches"] = [found[0]] if found else []
        return found is not None

    def _get_additive_expression(self: "Interpreter", node: Node) -> Any:
        assert node.tokens[0] == "+", node.text
        return add(self.value(node.parts[0]), self.value(node.parts[-1]))

    def _get_multiplicative_expression(self: "Interpreter", node: Node) -> Any:
        return self.value(node.parts[0]) * self.value(node.parts[-1])

    def _get_format_expression(self: "Interpreter", node: Node) -> str:
        template, values = self.value(node.parts[0]), spread(self.value(node.parts[-1]))
        return re.sub(r"\{(\d+)(:[^}]*)?\}", lambda hit: as_text(values[int(hit[1])]), template)


def variable_name(node: Node) -> str:
    return node.text.lstrip("$@").strip("{}").lower()


def _unescape(raw: bytes) -> str:
    return re.sub(r"`(.)", lambda hit: _ESCAPES.get(hit[1], hit[1]), raw.decode(), flags=re.DOTALL)
