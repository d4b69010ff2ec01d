"""Show a smoke test's results as a table or as JSON."""

from typing import Any

from ..output import print_line, print_table
from .test import Result, Smoke, Verdict


def show(smoke: Smoke) -> None:
    """Print one line per path or rule, then each broken hop, then a summary."""
    print_table(["RESULT", "WHAT", "FROM", "GOT"], [_row(result) for result in smoke.results])
    for result in smoke.results:
        if result.verdict is Verdict.FAIL:
            print_line(
                f"! {result.name}: wanted {result.wants}{f', got {result.got}' if result.got else ''}. "
                f"Broken hop: {result.broken_hop}"
            )
    print_line(summary(smoke))


def _row(result: Result) -> list[str]:
    name = f"{result.name} (stand-in)" if result.stand_in else result.name
    got = " ".join(result.got.split())
    return [result.verdict.value, name, result.origin or "", got if len(got) <= 70 else f"{got[:69]}…"]


def summary(smoke: Smoke) -> str:
    """Count the results and warn about stand-ins."""
    counts = [(verdict, sum(result.verdict is verdict for result in smoke.results)) for verdict in Verdict]
    text = ", ".join(f"{count} {verdict.value}" for verdict, count in counts if count)
    if any(result.stand_in for result in smoke.results):
        text += "; stand-in: the Windows node is not Windows, so these lines prove nothing about Windows"
    return text


def document(smoke: Smoke) -> dict[str, Any]:
    """Return the results as JSON."""
    return {
        "ok": smoke.ok,
        "results": [
            {
                "kind": result.group,
                "name": result.name,
                "from": result.origin,
                "result": result.verdict.value,
                "standIn": result.stand_in,
                "wanted": result.wants,
                "got": result.got,
                "brokenHop": result.broken_hop or None,
                "seconds": round(result.seconds, 3),
            }
            for result in smoke.results
        ],
    }
