"""All rules, and their table in docs/guide/windows-rules.md."""

from collections.abc import Iterator
from typing import Any

from . import (
    rules_admission,
    rules_iis,
    rules_images,
    rules_names,
    rules_network,
    rules_placement,
    rules_programs,
    rules_runtime,
    rules_security,
    rules_services,
    rules_storage,
    rules_volumes,
)
from .rule import Rule
from .subjects import Pod

MODULES = (
    *(
        rules_placement,
        rules_images,
        rules_admission,
        rules_security,
        rules_network,
        rules_storage,
        rules_volumes,
    ),
    *(rules_programs, rules_runtime, rules_names, rules_iis),
)

WINDOWS_RULES: tuple[Rule[Pod], ...] = tuple(rule for module in MODULES for rule in module.WINDOWS_RULES)
LINUX_RULES = rules_placement.LINUX_RULES
SERVICE_RULES = rules_services.SERVICE_RULES
EVERY_POD_RULES = (*rules_placement.EVERY_POD_RULES, *rules_admission.EVERY_POD_RULES)
POD_RULES = (*WINDOWS_RULES, *LINUX_RULES, *EVERY_POD_RULES)
RULES: tuple[Rule[Any], ...] = (*POD_RULES, *SERVICE_RULES)


def markdown() -> str:
    """The rules as a table for people."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| rule | severity | looks at | finds | why | fix |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for subject, rules in (
        ("Windows pods", WINDOWS_RULES),
        ("Services of Windows pods", SERVICE_RULES),
        ("Linux pods", LINUX_RULES),
        ("all pods", EVERY_POD_RULES),
    ):
        for rule in rules:
            cells = (
                f"`{rule.id}`",
                rule.severity,
                subject,
                rule.what,
                f"{rule.why} [Page]({rule.page})",
                rule.fix,
            )
            yield f"| {' | '.join(cells)} |"
