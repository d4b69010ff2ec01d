"""All rules, and their table in docs/windows-rules.md."""

from collections.abc import Iterator
from typing import Any

from . import rules_network, rules_placement, rules_runtime, rules_security, rules_storage
from .rule import Rule
from .subjects import Pod

MODULES = (rules_placement, rules_security, rules_network, rules_storage, rules_runtime)

WINDOWS_RULES: tuple[Rule[Pod], ...] = tuple(rule for module in MODULES for rule in module.WINDOWS_RULES)
LINUX_RULES = rules_placement.LINUX_RULES
SERVICE_RULES = rules_network.SERVICE_RULES
POD_RULES = (*WINDOWS_RULES, *LINUX_RULES)
RULES: tuple[Rule[Any], ...] = (*POD_RULES, *SERVICE_RULES)


def markdown() -> str:
    """The rules as a table for people."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| rule | severity | looks at | finds | why | fix |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for subject, rules in (("Windows pods", WINDOWS_RULES), ("Services of Windows pods", SERVICE_RULES), ("Linux pods", LINUX_RULES)):
        for rule in rules:
            cells = (f"`{rule.id}`", rule.severity, subject, rule.what, f"{rule.why} [Page]({rule.page})", rule.fix)
            yield f"| {' | '.join(cells)} |"
