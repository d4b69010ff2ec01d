"""A stand-in for PowerShell: an interpreter for the part of the language that our scripts use.

It is not PowerShell. It is written after about_Scopes, about_Command_Precedence, about_Try_Catch_Finally and
about_Comparison_Operators, and refuses what it does not know. It shows that a script's logic is right; whether Windows
PowerShell 5.1 takes the script as it stands, only Windows can say.
"""

from collections.abc import Callable
from typing import Any

from .expressions import Expressions, variable_name
from .syntax import Node, only, parse, walk
from .values import ErrorRecord, Function, PsError, PsExit, add, as_text, collapse, element, get, put, spread, truth

_SWITCHES = {"compress", "force", "raw", "usebasicparsing"}
Native = Callable[[str, list[str], str], tuple[int, list[str]]]


class _Flow(Exception):
    def __init__(self, kind: str, value: Any = None) -> None:
        super().__init__(kind)
        self.kind, self.value = kind, value


class Interpreter(Expressions):
    """Runs scripts with Python functions in the place of cmdlets.

    A cmdlet gets positional arguments, named ones in lower case, and `pipe` when it stands behind a bar. `native` stands
    for every program: path, arguments and standard input to exit code and lines. `statics` are .NET's, as `type::member`.
    """

    def __init__(self, cmdlets: dict[str, Callable[..., Any]], native: Native, statics: dict[str, Any]) -> None:
        self.cmdlets = {name.lower(): function for name, function in cmdlets.items()}
        self.native, self.statics = native, statics
        self.functions: dict[str, Function] = {}
        self.scopes: list[dict[str, Any]] = [{"true": True, "false": False, "null": None, "lastexitcode": 0}]
        self.environment: dict[str, str] = {}

    def run(self, text: str) -> Any:
        """Run a script in the global scope; its output."""
        return collapse(self.statements(parse(text)))

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the script."""
        return collapse(self.invoke(self.functions[name.lower()], list(arguments), {}))

    # --- statements: each gives the list of what it puts out ---

    def statements(self, node: Node) -> list[Any]:
        return [item for part in node.parts for item in self.statement(part)]

    def statement(self, node: Node) -> list[Any]:
        handler = getattr(self, f"_do_{node.type}", None)
        return handler(node) if handler else spread(self.value(node))

    def _do_statement_list(self, node: Node) -> list[Any]:
        return self.statements(node)

    _do_statement_block = _do_script_block = _do_script_block_body = _do_for_initializer = _do_for_iterator = _do_statement_list

    def _do_param_block(self, node: Node) -> list[Any]:
        return []

    def _do_function_statement(self, node: Node) -> list[Any]:
        body = node.one("script_block")
        declared = [*node.all("function_parameter_declaration"), *body.all("param_block")]
        self.functions[node.one("function_name").text.lower()] = Function(_parameters(declared[0]) if declared else [], body)
        return []

    def _do_pipeline(self, node: Node) -> list[Any]:
        return [item for part in node.parts for item in self.statement(part)]

    def _do_pipeline_chain(self, node: Node) -> list[Any]:
        piped: list[Any] | None = None
        for part in node.parts:
            piped = self._command(part, piped) if part.type == "command" else spread(self.value(part))
        return piped or []

    def _do_command(self, node: Node) -> list[Any]:
        return self._command(node, None)

    def _do_if_statement(self, node: Node) -> list[Any]:
        assert not node.all("elseif_clauses"), "elseif is not known"
        if truth(self.statement_value(node.one("pipeline"))):
            return self.statements(node.one("statement_block"))
        clauses = node.all("else_clause")
        return self.statements(clauses[0].one("statement_block")) if clauses else []

    def _do_foreach_statement(self, node: Node) -> list[Any]:
        name, output = variable_name(node.one("variable")), list[Any]()
        for item in spread(self.statement_value(node.one("pipeline"))):
            self.scopes[-1][name] = item
            if self._body_breaks(node, output):
                break
        return output

    def _do_for_statement(self, node: Node) -> list[Any]:
        output: list[Any] = []
        self.statements(node.one("for_initializer"))
        while truth(self.statement_value(node.one("for_condition").parts[0])):
            if self._body_breaks(node, output):
                break
            self.statements(node.one("for_iterator"))
        return output

    def _do_while_statement(self, node: Node) -> list[Any]:
        output: list[Any] = []
        while truth(self.statement_value(node.one("while_condition").parts[0])):
            if self._body_breaks(node, output):
                break
        return output

    def _body_breaks(self, node: Node, output: list[Any]) -> bool:
        try:
            output.extend(self.statements(node.one("statement_block")))
        except _Flow as flow:
            if flow.kind == "return":
                raise
            return flow.kind == "break"
        return False

    def _do_try_statement(self, node: Node) -> list[Any]:
        try:
            return self.statements(node.one("statement_block"))
        except (PsError, KeyError, OSError, ValueError, AttributeError, TypeError) as error:
            if not node.all("catch_clauses"):
                raise
            self.scopes[-1]["_"] = ErrorRecord(as_text(error.args[0] if error.args else error))
            return self.statements(node.one("catch_clauses").one("catch_clause").one("statement_block"))
        finally:
            for clause in node.all("finally_clause"):
                self.statements(clause.one("statement_block"))

    def _do_flow_control_statement(self, node: Node) -> list[Any]:
        kind = node.tokens[0]
        value = self.statement_value(node.parts[0]) if node.parts else None
        if kind == "throw":
            raise PsError(as_text(value))
        if kind == "exit":
            raise PsExit(int(value or 0))
        raise _Flow(kind, value)

    def _do_assignment_expression(self, node: Node) -> list[Any]:
        left, right = only(node.one("left_assignment_expression").parts[0]), node.parts[-1]
        value = self.statement_value(right)
        if node.one("assignement_operator").text == "+=":
            value = add(self.value(left), value)
        if left.type != "array_literal_expression":
            self._store(left, value)
        else:
            for index, target in enumerate(left.parts):
                self._store(target, element(spread(value), index))
        return []

    def statement_value(self, node: Node) -> Any:
        """The value of a statement: an expression's is what it is, a command's or a block's output collapses."""
        inner = only(node)
        if inner.type in ("pipeline_chain", "command") or hasattr(self, f"_do_{inner.type}"):
            return collapse(self.statement(inner))
        return self.value(inner)

    def _store(self, target: Node, value: Any) -> None:
        if target.type == "variable":
            scope, _, name = variable_name(target).rpartition(":")
            place = {"env": self.environment, "global": self.scopes[0], "": self.scopes[-1]}[scope]
            place[name] = value
        elif target.type == "element_access":
            self.value(target.parts[0])[self.value(target.parts[1])] = value
        elif target.parts[0].type == "type_literal":
            self.statics[f"{self.value(target.parts[0])}::{target.parts[1].text.lower()}"] = value
        else:
            put(self.value(target.parts[0]), target.parts[1].text, value)

    # --- commands ---

    def _command(self, node: Node, piped: list[Any] | None) -> list[Any]:
        positional, named = self._arguments(node)
        target = self._target(node)
        if isinstance(target, Function):
            return self.invoke(target, positional, named)
        key = target.lower()
        if key in self.functions:
            return self.invoke(self.functions[key], positional, named)
        if key in ("foreach-object", "where-object"):
            return self._each(key, positional[0], piped or [])
        if key in self.cmdlets:
            extra = {} if piped is None else {"pipe": piped}
            return spread(self.cmdlets[key](*positional, **named, **extra))
        if not node.all("command_invokation_operator"):
            raise NotImplementedError(f"no stand-in for {target}")
        return self._program(target, positional, piped)

    def _target(self, node: Node) -> Any:
        expressions = node.all("command_name_expr")
        if not expressions:
            return node.one("command_name").text
        part = expressions[0].parts[0]
        if part.type == "command_name":
            return part.text
        if part.type != "path_command_name":
            return self.value(part)
        value = self.value(part.parts[0])
        for token in part.all("path_command_name_token"):
            value = get(value, token.text.lstrip("."))
        return value

    def _each(self, key: str, block: Function, items: list[Any]) -> list[Any]:
        output: list[Any] = []
        for item in items:
            result = self.invoke(block, [], {}, {"_": item})
            output.extend(result if key == "foreach-object" else [item] if truth(collapse(result)) else [])
        return output

    def _program(self, path: str, positional: list[Any], piped: list[Any] | None) -> list[Any]:
        arguments = [as_text(item) for argument in positional for item in spread(argument)]
        self.scopes[0]["lastexitcode"], lines = self.native(path, arguments, "\n".join(as_text(item) for item in piped or []))
        return list(lines)

    def invoke(self, function: Function, positional: list[Any], named: dict[str, Any], variables: dict[str, Any] | None = None) -> list[Any]:
        """Call with a scope of its own, whose parent is the caller's; functions defined inside end with it."""
        scope, rest, before = dict(variables or {}), list(positional), dict(self.functions)
        self.scopes.append(scope)
        try:
            for name, default in function.parameters:
                scope[name] = named[name] if name in named else rest.pop(0) if rest else self.value(default) if default else None
            scope["args"] = rest
            return self.statements(function.body)
        except _Flow as flow:
            if flow.kind != "return":
                raise
            return spread(flow.value)
        finally:
            self.scopes.pop()
            self.functions = before

    def _arguments(self, node: Node) -> tuple[list[Any], dict[str, Any]]:
        positional, named, pending = list[Any](), dict[str, Any](), ""
        for part in (item for block in node.all("command_elements") for item in block.parts):
            if part.type == "command_parameter":
                pending = part.text.strip("-:").lower()
                named[pending] = True
                pending = "" if pending in _SWITCHES else pending
            elif part.type == "variable" and part.text.startswith("@"):
                named.update({key.lower(): item for key, item in self.value(part).items()})
            elif part.type not in ("command_argument_sep", "redirection"):
                value = part.text if part.type == "generic_token" else self.value(part)
                if pending:
                    named[pending], pending = value, ""
                else:
                    positional.append(value)
        return positional, named


def _parameters(node: Node) -> list[tuple[str, Node | None]]:
    found: list[tuple[str, Node | None]] = []
    for parameter in walk(node, "script_parameter"):
        defaults = parameter.all("script_parameter_default")
        found.append((variable_name(parameter.one("variable")), defaults[0].parts[0] if defaults else None))
    return found
