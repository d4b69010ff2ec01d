"""An audit as a table of what is left or a receipt that nothing is, and as a JSON document."""

from datetime import UTC, datetime
from typing import Any

from ..aws.prices import footnote, total
from ..output import print_line, print_table
from .search import Audit, Finding


def show(result: Audit) -> None:
    """Render what is left with its cost, or the receipt; then what could not be looked at."""
    if result.findings:
        _show_left(result)
    elif result.complete:
        print_line(receipt(result))
    for check in result.checks:
        if check.refused:
            print_line(f"not looked: {check.kind} ({check.where}): {check.refused}")
    if not result.complete:
        print_line(
            "The audit is incomplete, so it cannot say that nothing is left: allow these calls and run it "
            "again."
        )


def _show_left(result: Audit) -> None:
    rows = [_row(finding) for finding in result.findings]
    print_table(["KIND", "ID", "NAME", "STATE", "WHY", "A MONTH"], rows)
    costs = [finding.cost for finding in result.findings]
    print_line(f"\n{summary(result)}, {total(costs)} a month\n{footnote(result.scope.target.region)}")


def _row(finding: Finding) -> list[str]:
    item = finding.item
    return [
        item.kind,
        item.id,
        item.name if item.name != item.id else "",
        item.state,
        finding.evidence,
        str(finding.cost),
    ]


def summary(result: Audit) -> str:
    """How many are left, suspects counted apart."""
    suspects = sum(finding.suspect for finding in result.findings)
    certain = len(result.findings) - suspects
    apart = f" and {suspects} suspect{'s' if suspects > 1 else ''}" if suspects else ""
    return f"{certain} resource{'' if certain == 1 else 's'} left{apart}"


def receipt(result: Audit) -> str:
    """The proof that nothing is left: when, where and by what it was looked for."""
    target, record = result.scope.target, result.scope.record
    by = ["tag", "VPC", "parameter path"]
    by += [f"{len(record.all_ids)} recorded ids"] if record else []
    lines = [
        f"0 resources left of stack {target.stack} in {target.region}, account {result.account}, at "
        f"{moment(result.at)}",
        f"looked for by {', '.join(by)}, in",
        *(f"  {check.where:<40} {check.seen:>5} seen, 0 of this stack" for check in result.checks),
    ]
    if record is None:
        lines.append(
            "no record of this stack was found: an untagged disk that it left detached could not be "
            "recognised"
        )
    return "\n".join(lines)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(result: Audit) -> dict[str, Any]:
    """The audit for a program."""
    known = [finding.cost.usd for finding in result.findings if finding.cost.usd is not None]
    return {
        "stack": result.scope.target.stack,
        "region": result.scope.target.region,
        "account": result.account,
        "at": moment(result.at),
        "clean": result.clean,
        "complete": result.complete,
        "left": [_finding_document(finding) for finding in result.findings],
        "knownUsdAMonth": round(sum(known), 2),
        "checks": [
            {"kind": c.kind, "where": c.where, "seen": c.seen, "refused": c.refused or None}
            for c in result.checks
        ],
        "recordedIds": len(result.scope.record.all_ids) if result.scope.record else None,
    }


def _finding_document(finding: Finding) -> dict[str, Any]:
    item = finding.item
    return {
        "kind": item.kind,
        "id": item.id,
        "name": item.name,
        "state": item.state,
        "evidence": finding.evidence,
        "suspect": finding.suspect,
        "usdAMonth": finding.cost.usd,
    }
