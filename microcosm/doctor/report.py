"""A diagnosis as a table, and as a JSON document."""

from typing import Any

from ..output import print_line, print_table
from .checks import Diagnosis, Level


def show(diagnosis: Diagnosis) -> None:
    """The table and the sum."""
    print_table(
        ["CHECK", "RESULT", "DETAIL"],
        [[check.name, verdict.level.value, verdict.detail] for check, verdict in diagnosis.findings],
    )
    print_line(f"\n{summary(diagnosis)}")


def summary(diagnosis: Diagnosis) -> str:
    """How it stands in one line."""
    passed, warned, failed = (diagnosis.count(level) for level in Level)
    conclusion = "`pulumi up` can work" if diagnosis.ok else "`pulumi up` would fail"
    return f"{passed} PASS, {warned} WARN, {failed} FAIL: {conclusion}"


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis for a program."""
    return {
        "stack": diagnosis.target.stack,
        "region": diagnosis.target.region,
        "ok": diagnosis.ok,
        "checks": [
            {"name": check.name, "what": check.what, "result": verdict.level.value, "detail": verdict.detail}
            for check, verdict in diagnosis.findings
        ],
    }
