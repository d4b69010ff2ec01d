"""Check that a fault left no damage."""

from datetime import UTC, datetime
from typing import Any

import requests

from rehearsal.scenarios import checks
from rehearsal.scenarios.life import read_outputs

from .stage import UP, Stage, wait_until

READY_SECONDS = 180.0
PAGE_SECONDS = 180.0


def check_recovered(stage: Stage) -> str:
    """Wait for Ready nodes and the page, and run `up`, which must change nothing; CheckFailed otherwise."""
    now = datetime.now(UTC)
    read_outputs(stage.run)
    wait_until(
        lambda: _all_alive(stage, now),
        READY_SECONDS,
        f"{', '.join(stage.nodes)} are Ready, each by a heartbeat of now",
    )
    answer = wait_until(lambda: _page(stage), PAGE_SECONDS, "the page authorizes a payment")
    stage.run.session.run(*UP, "--expect-no-changes", tell=stage.run.tell)
    return f"{len(stage.nodes)} nodes Ready, page {answer}, `up` changes nothing"


def _all_alive(stage: Stage, now: datetime) -> bool:
    """Report whether all nodes are Ready with a lease renewed since `now`: a dead machine stays Ready for a
    while.
    """
    nodes = {node["metadata"]["name"]: _is_ready(node) for node in stage.objects("nodes")}
    leases = {
        lease["metadata"]["name"]: lease["spec"]["renewTime"]
        for lease in stage.objects("leases", "--namespace=kube-node-lease")
    }
    return all(
        nodes.get(node) and datetime.fromisoformat(leases.get(node, "1970-01-01T00:00:00Z")) > now
        for node in stage.nodes
    )


def _is_ready(node: dict[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in node["status"].get("conditions", [])
    )


def _page(stage: Stage) -> str:
    try:
        return checks.page_authorizes(stage.run.outputs["pageUrl"]).split(" from ")[0]
    except (checks.CheckFailed, requests.RequestException):
        return ""
