"""Print the results of the preview commands, as text or as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..aws import prices
from ..output import duration, note, print_json, print_line, print_table
from .down import Outcome
from .model import rfc3339
from .up import GRACE, UpResult, kubeconfig_command


def document(result: UpResult) -> dict[str, Any]:
    """Return a preview that is up as JSON."""
    each = result.preview
    return {
        "stack": each.stack,
        "pr": each.pr,
        "owner": each.owner,
        "region": each.region,
        "url": result.outputs.get("pageUrl"),
        "api": result.outputs.get("apiAddress"),
        "kubeconfig": kubeconfig_command(each.stack, str(each.region)),
        "expires": each.expires and rfc3339(each.expires),
        "machinesEnd": each.expires and rfc3339(each.expires + GRACE),
        "usdAnHour": round(result.rate.usd, 4),
        "total": result.total,
        "seconds": round(result.seconds, 1),
    }


def show(result: UpResult, now: datetime) -> None:
    """Print a preview that is up."""
    each = result.preview
    assert each.expires is not None
    lines = {
        "page": str(result.outputs.get("pageUrl", "none")),
        "kubeconfig": kubeconfig_command(each.stack, str(each.region)),
        "cost": f"{result.rate} an hour, {result.total} until its end",
        "ends": f"{rfc3339(each.expires)}, in {duration((each.expires - now).total_seconds())}",
        "longer": f"microcosm preview extend --pr {each.pr} --by 4h",
        "sooner": f"microcosm preview down --pr {each.pr}",
    }
    print_line(f"{each.stack} is up in {each.region}, after {duration(result.seconds)}")
    for name, text in lines.items():
        print_line(f"  {name:<11} {text}")
    note(prices.footnote(str(each.region)))


def show_reaped(outcomes: Sequence[Outcome], json: bool) -> None:
    """Print the outcome of each due preview."""
    if json:
        print_json(
            [
                {
                    "stack": each.stack,
                    "result": each.result,
                    "why": each.why,
                    "seconds": round(each.seconds, 1),
                }
                for each in outcomes
            ]
        )
    elif outcomes:
        print_table(("PREVIEW", "RESULT", "WHY"), [[each.stack, each.result, each.why] for each in outcomes])
    else:
        note("no preview is due")
