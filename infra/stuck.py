"""What a person reads of a machine that does not come up: in which phase it is, and the one command that helps. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import naming

Report = Mapping[str, Any]

# EC2's instance states from which a machine does not come back by itself.
OFF = ("stopping", "stopped")
GONE = ("shutting-down", "terminated")
# Longer than a Linux machine waits before it tries again (userdata/linux/common.sh), and still within the minute.
BELIEVED_SECONDS = 50
SILENT_SECONDS = 60
LAST_LINES = 3
# As `log` in userdata/linux/common.sh begins its lines.
SCRIPT = "Z microcosm: "

SILENT_API = "the machine says that it is ready, but its API does not answer; is the address from which you come in adminCidrs?"
AGAIN = "Correct the cause and run `pulumi up` again: Linux machines go on trying by themselves, a Windows machine does when it is restarted."
ANEW = "Machines in its place are made by `pulumi up --refresh`."
# The provider would otherwise ask the dead cluster for its objects. It is the only way: the cluster ended with its control plane.
CLUSTER_ANEW = "The cluster ended with it; another is made by `PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`."


def describe(report: Report) -> str:
    """Where a machine is, in words."""
    if not report:
        return "no report yet; it is booting, or cannot reach the AWS API"
    detail = report.get("detail")
    return f"phase {report.get('phase')}" + (f": {detail}" if detail else "")


def is_done(report: Report) -> bool:
    return report.get("phase") == "ready" and report.get("result") == "ok"


def lost(node: str, instance: str, state: str | None, report: Report) -> str | None:
    """The line for a machine that EC2 has stopped or terminated; an id that EC2 does not list counts once the machine has spoken."""
    if state in OFF:
        return f"{node} ({instance}) is {state}: {describe(report)}; it goes on after `aws ec2 start-instances --instance-ids {instance}`"
    if state in GONE or (state is None and report):
        return f"{node} ({instance}) is {state or 'terminated'}: {describe(report)}"
    return None


def advice(lost_nodes: Mapping[str, str | None]) -> str:
    """The command that brings back what was lost, out of the states of those machines."""
    gone = [node for node, state in lost_nodes.items() if state not in OFF]
    if not gone:
        return "Then run `pulumi up` again."
    return CLUSTER_ANEW if naming.CONTROL_PLANE in gone else ANEW


@dataclass(slots=True)
class Failures:
    """Tells a failure that will pass from one that stays: a machine tries again, and what was out of reach may be back.

    A failure counts when the machine fails a second time in the same phase, or when it does nothing more about it.
    """

    _seen: dict[str, list[tuple[float, Report]]] = field(default_factory=dict[str, list[tuple[float, Report]]])

    def final(self, reports: Mapping[str, Report], now: float) -> dict[str, Report]:
        """Those of the present reports whose failure counts."""
        return {node: report for node, report in reports.items() if report.get("result") == "failed" and self._is_final(node, report, now)}

    def _is_final(self, node: str, report: Report, now: float) -> bool:
        seen = self._seen.setdefault(node, [])
        if not seen or seen[-1][1] != report:
            seen.append((now, report))
        again = any(earlier.get("phase") == report.get("phase") for _, earlier in seen[:-1])
        return again or now - seen[-1][0] > BELIEVED_SECONDS


@dataclass(slots=True)
class Progress:
    """What is worth a line: a machine's next phase, or what it now says of the one in which it is."""

    _told: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _told_silence: bool = False

    def news(self, reports: Mapping[str, Report]) -> list[str]:
        """The lines that these reports are worth. Who still waits although all is done, waits for the API."""
        lines = [line for node, report in reports.items() if (line := self._line(node, report))]
        if self._told_silence or not all(map(is_done, reports.values())):
            return lines
        self._told_silence = True
        return [*lines, f"{naming.CONTROL_PLANE}: {SILENT_API}"]

    def _line(self, node: str, report: Report) -> str:
        phase, detail = str(report.get("phase", "booting")), str(report.get("detail", ""))
        before = self._told.get(node)
        self._told[node] = phase, detail
        if report.get("result") == "failed" and before != (phase, detail):
            return f"{node}: {phase} failed, and is tried again: {detail}"
        if not before or before[0] != phase:
            return f"{node}: {phase}"
        return f"{node}: {phase}: {detail}" if detail and before[1] != detail else ""


@dataclass(slots=True)
class Silence:
    """Machines that say nothing for a minute: each is named once, so that a person can look at its console meanwhile."""

    since: float
    _named: set[str] = field(default_factory=set[str])

    def news(self, reports: Mapping[str, Report], now: float) -> list[str]:
        if now - self.since < SILENT_SECONDS:
            return []
        silent = [node for node, report in reports.items() if not report and node not in self._named]
        self._named.update(silent)
        return silent


def last_words(console: str) -> str:
    """The end of a console's output in one line; what the node's script says goes before what systemd says of it."""
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    lines = [line for line in lines if SCRIPT in line] or lines
    return f"Its console ends with: {' | '.join(lines[-LAST_LINES:])}" if lines else "Its console says nothing yet."
