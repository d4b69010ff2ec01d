"""Properties of an MSI, its conditions and its formatted texts, as `msiexec /i` of a first installation sees
them.

Sources: learn.microsoft.com/windows/win32/msi, "Conditional Statement Syntax", "Formatted", "Property
Reference".
"""

import re
from collections.abc import Callable, Mapping

from .msi_tables import Database

# Properties that Windows sets on Windows Server 2019 or newer on amd64 (Property Reference). A first
# installation: nothing is installed.
_SYSTEM = {
    "VersionNT": "603",
    "VersionNT64": "603",
    "WindowsBuild": "9600",
    "ServicePackLevel": "0",
    "MsiNTProductType": "3",
    "Privileged": "1",
    "AdminUser": "1",
    "ALLUSERS": "1",
    "ROOTDRIVE": "C:\\",
    "WindowsVolume": "C:\\",
    "UILevel": "2",
    "VersionMsi": "5.00",
    "Msix64": "6",
    "Intel": "6",
    "PhysicalMemory": "4096",
    "SystemLanguageID": "1033",
    "UserLanguageID": "1033",
    "MsiAMD64": "6",
    "SourceDir": "C:\\",
    "ACTION": "INSTALL",
}
# Answers to searches in the registry, by key and value, both folded: what the base images hold.
_ANSWERS = {
    (r"software\microsoft\inetstp", "pathwwwroot"): "C:\\inetpub\\wwwroot",
    (r"software\microsoft\inetstp", "majorversion"): "#10",
    (r"software\microsoft\inetstp", "minorversion"): "#0",
    (r"software\microsoft\inetstp", "installpath"): "C:\\Windows\\system32\\inetsrv",
    (r"software\microsoft\net framework setup\ndp\v4\full", "release"): "#528049",
    (r"software\microsoft\net framework setup\ndp\v4\full", "install"): "#1",
    (r"software\microsoft\net framework setup\ndp\v4\full", "version"): "4.8.03761",
}
_TOKEN = re.compile(
    r'\s*(?:(\()|(\))|"([^"]*)"|(<>|<=|>=|><|<<|>>|~?=|<|>)|(-?\d+)|([%$?&!]?[A-Za-z_][\w.]*))'
)
_PLACE = re.compile(r"\[([^\[\]{}]+)\]")
Resolve = Callable[[str], str | None]


class UnknownCondition(ValueError):
    """A condition that this evaluator does not know."""


def initial(database: Database, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the properties, and the searches (AppSearch) that no known answer and no given value answers."""
    properties = {**_SYSTEM, **{str(row["Property"]): str(row["Value"]) for row in database.rows("Property")}}
    unanswered = list[str]()
    locators = {row["Signature_"]: row for row in database.rows("RegLocator")}
    for row in database.rows("AppSearch"):
        name, locator = str(row["Property"]), locators.get(row["Signature_"])
        key = (str(locator["Key"] or "").lower(), str(locator["Name"] or "").lower()) if locator else ("", "")
        if key in _ANSWERS:
            properties[name] = _ANSWERS[key]
        elif name not in given:
            unanswered.append(name)
    return {**properties, **given}, unanswered


def formatted(text: str, properties: Mapping[str, str], resolve: Resolve | None = None) -> str:
    """Replace `[Property]`, `[\\x]`, `[%VARIABLE]`; `resolve` answers `#file`, `!file` and `$component`."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name[0] == "\\":
            return name[1:2]
        if name == "~":
            return "\0"
        if name[0] == "%":
            return f"%{name[1:]}%"
        if name[0] in "#!$" and resolve:
            return resolve(name) or ""
        return properties.get(name, "")

    for _ in range(4):  # a property may name another
        replaced = _PLACE.sub(value, text)
        if replaced == text:
            break
        text = replaced
    return text


def holds(
    condition: str | None, properties: Mapping[str, str], states: Mapping[str, int] | None = None
) -> bool:
    """Evaluate a condition.

    `states` are those of features (`&Name`) and components (`$Name`): 3 is installed locally.
    """
    if not condition or not condition.strip():
        return True
    tokens, place = list[tuple[str, str]](), 0
    text = condition.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if not match:
            raise UnknownCondition(condition)
        kind = ("open", "close", "text", "operator", "number", "name")[(match.lastindex or 1) - 1]
        tokens.append((kind, match[match.lastindex or 1]))
        place = match.end()
    parser = _Parser(condition, tokens, properties, states or {})
    answer = parser.any_of()
    if parser.tokens:
        raise UnknownCondition(condition)
    return answer


class _Parser:
    def __init__(
        self,
        whole: str,
        tokens: list[tuple[str, str]],
        properties: Mapping[str, str],
        states: Mapping[str, int],
    ) -> None:
        self.whole, self.tokens, self.properties, self.states = whole, tokens, properties, states

    def _word(self, *words: str) -> bool:
        if self.tokens and self.tokens[0][0] == "name" and self.tokens[0][1].upper() in words:
            self.tokens.pop(0)
            return True
        return False

    def any_of(self) -> bool:
        answer = self.all_of()
        while self._word("OR"):
            right = self.all_of()
            answer = answer or right
        return answer

    def all_of(self) -> bool:
        answer = self.negated()
        while self._word("AND"):
            right = self.negated()
            answer = answer and right
        return answer

    def negated(self) -> bool:
        if self._word("NOT"):
            return not self.negated()
        if self.tokens and self.tokens[0][0] == "open":
            self.tokens.pop(0)
            answer = self.any_of()
            if not self.tokens or self.tokens.pop(0)[0] != "close":
                raise UnknownCondition(self.whole)
            return answer
        return self.comparison()

    def comparison(self) -> bool:
        left = self._value()
        if not self.tokens or self.tokens[0][0] != "operator":
            return bool(left)
        operator = self.tokens.pop(0)[1]
        return _compare(left, operator, self._value())

    def _value(self) -> str:
        if not self.tokens:
            raise UnknownCondition(self.whole)
        kind, text = self.tokens.pop(0)
        if kind not in ("text", "number", "name") or (
            kind == "name" and text.upper() in ("XOR", "EQV", "IMP")
        ):
            raise UnknownCondition(self.whole)
        if kind != "name":
            return text
        if text[0] in "&$":
            return str(self.states.get(text[1:], -1))
        # `!` and `?` are the state before: nothing is installed, which is 2 (absent).
        return "2" if text[0] in "!?" else self.properties.get(text, "")


def _compare(left: str, operator: str, right: str) -> bool:
    if operator in ("><", "<<", ">>"):
        return {"><": right in left, "<<": left.startswith(right), ">>": left.endswith(right)}[operator]
    folded = operator.startswith("~")
    operator = operator.lstrip("~")
    numbers = [_number(left), _number(right)]
    if None in numbers:
        # A text and a number are unequal, whatever the operator (Conditional Statement Syntax).
        first, second = (left.lower(), right.lower()) if folded else (left, right)
        return {"=": first == second, "<>": first != second}.get(operator, False)
    first_number, second_number = float(numbers[0] or 0), float(numbers[1] or 0)
    return {
        "=": first_number == second_number,
        "<>": first_number != second_number,
        "<": first_number < second_number,
        ">": first_number > second_number,
        "<=": first_number <= second_number,
        ">=": first_number >= second_number,
    }[operator]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
