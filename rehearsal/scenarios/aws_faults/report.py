"""The results of a sweep as Markdown, in docs/evidence/reliability.md between its marks: written by the
run itself, never by hand.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from rehearsal.document import RELIABILITY, Section
from rehearsal.fake_aws.faults import FAULTS
from rehearsal.scenarios.aws_faults.play import Part, Result
from rehearsal.scenarios.figures import machine

HEADER = (
    "| way of failing | how often | command | calls | failed | attempts failed | runs | `microcosm "
    "repair` | survived |"
)
RULE = "|---|---|---|---:|---:|---:|---:|---:|---|"


def section(results: Sequence[Result], expected: int, full: bool) -> str:
    """The sweep as Markdown; `expected` is the number of its series, so that a sweep that was broken off
    says so.
    """
    meanings = [f"- **{fault.name}**: {fault.means}" for fault in FAULTS.values()]
    return "\n".join(
        [
            f"{_days(results)}, {machine()}: {_summary(results, expected, full)}",
            "",
            *meanings,
            "- **kill**: `kill -9` of the engine and all that it started",
            "",
            HEADER,
            RULE,
            *(_row(result, part) for result in results for part in result.parts),
            "",
            "| way of failing | how often | strays beside the state after `up` | leaked by `destroy` | left "
            "after `microcosm repair` |",
            "|---|---|---:|---:|---:|",
            *(
                f"| {r.fault} | {_manner(r)} | {len(r.strays)} | {len(r.leaked)} | {len(r.left)} |"
                for r in results
            ),
            "",
            "| service | calls failed | attempts failed |",
            "|---|---:|---:|",
            *_by_service(part for result in results for part in result.parts),
            *_problems(results),
        ]
    )


def _days(results: Sequence[Result]) -> str:
    days = sorted({result.played for result in results})
    return " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))


def _summary(results: Sequence[Result], expected: int, full: bool) -> str:
    survived = sum(result.survived for result in results)
    faults = sum(len(part.failed) for result in results for part in result.parts)
    left = sum(len(result.left) for result in results)
    broken_off = (
        f" **Broken off after {len(results)} of {expected} series.**" if len(results) < expected else ""
    )
    each = (
        "each lasting fault alone in its run"
        if full
        else "lasting faults of one depth together, of calls that change something"
    )
    return (
        f"{survived} of {len(results)} series survived, {faults} calls failed ({each}), {left} objects "
        f"left.{broken_off}"
    )


def _manner(result: Result) -> str:
    if result.fault == "kill":
        return f"{result.manner} at call {result.series.rpartition('-')[2]}"
    return f"{result.manner} (Pulumi's state)" if result.series.endswith("-state") else result.manner


def _row(result: Result, part: Part) -> str:
    attempts = sum(call["attempts"] for call in part.failed.values())
    verdict = "yes" if part.went_through and result.survived else "**no**"
    cells = (
        result.fault,
        _manner(result),
        f"`{part.command}`",
        len(part.keys) or "",
        len(part.failed),
        attempts,
        part.runs,
        part.repairs,
        verdict,
    )
    return f"| {' | '.join(map(str, cells))} |"


def _by_service(parts: Iterable[Part]) -> list[str]:
    calls: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    for part in parts:
        for call in part.failed.values():
            calls[call["service"]] += 1
            attempts[call["service"]] += call["attempts"]
    return [f"| {service} | {calls[service]} | {attempts[service]} |" for service in sorted(calls)]


def _problems(results: Sequence[Result]) -> list[str]:
    """Explain a `no` to its reader."""
    told = [
        f"- {result.series}: {text}"
        for result in results
        for text in (*result.problems, *(f"left: {each}" for each in result.left))
    ]
    return ["", "Not survived:", "", *told] if told else []


def keep(results: Sequence[Result], expected: int, full: bool) -> None:
    """Replace the sweep of before."""
    Section(RELIABILITY, "aws faults").write(section(results, expected, full))
