"""The diagnosis of a machine that does not come up: in which phase it is, and the one command that
helps. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..config import naming
from .report import Report, describe

# The present report of each node; None while its present instance has sent none.
Reports = Mapping[str, Report | None]

# EC2's instance states from which a machine does not come back by itself.
OFF = ("stopping", "stopped")
GONE = ("shutting-down", "terminated")
# Seconds after which a failure counts although the machine has not failed a second time: longer than the
# machine takes from its report of a failure to its next report. tests/unit/infra/test_diagnosis.py adds these
# up from the scripts. Linux: a timer after 20 s (userdata/linux/common.sh, begin), then a first report.
# Windows: run.ps1 waits 60 s (bootstrap.ps1); PowerShell and the AWS module take up to a minute to start;
# then plan.ps1 reports that the phase runs again, before it tests any phase. The rest is room for a slow
# disk, or for S3 out of reach.
GRACE_SECONDS: Mapping[str, int] = {"linux": 50, "windows": 360}
SILENT_SECONDS = 60
LAST_LINES = 3
# As `log` in userdata/linux/common.sh begins its lines.
SCRIPT = "Z microcosm: "

SILENT_API = (
    "the machine says that it is ready, but its API does not answer; is the address from which "
    "you come in adminCidrs?"
)
AGAIN = (
    "Correct the cause and run `pulumi up` again: the machines keep trying, Linux every 20 seconds, "
    "Windows every minute."
)
ANEW = "Machines in its place are made by `pulumi up --refresh`."
# The provider would otherwise ask the dead cluster for its objects. It is the only way: the cluster ended
# with its control plane.
CLUSTER_ANEW = (
    "The cluster ended with it; another is made by `PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """An EC2 instance of the stack: its state, its launch in Unix seconds, and its family (linux or
    windows).
    """

    state: str
    launched: float
    family: str


def all_ready(reports: Reports) -> bool:
    """Tell whether every node has reported that it is Ready."""
    return all(report is not None and report.is_ready for report in reports.values())


def lost(node: str, instance: str, state: str | None, report: Report | None) -> str | None:
    """The line for a machine that EC2 has stopped or terminated; an id that EC2 does not list counts once
    the machine has spoken.
    """
    if state in OFF:
        return (
            f"{node} ({instance}) is {state}: {describe(report)}; it goes on after `aws ec2 "
            f"start-instances --instance-ids {instance}`"
        )
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
    """Tells a failure that will pass from one that stays: a machine tries again, and what was out of reach
    may be back.

    A failure counts when the machine fails a second time in the same phase, or when it does nothing more
    about it.
    """

    _seen: dict[str, list[tuple[float, Report]]] = field(
        default_factory=dict[str, list[tuple[float, Report]]]
    )

    def final(self, reports: Reports, now: float, families: Mapping[str, str]) -> Reports:
        """Return the present reports whose failure counts; `families` holds linux or windows by node."""
        failed = {node: report for node, report in reports.items() if report and report.is_failed}
        # A machine that EC2 does not list yet gets the longest grace.
        return {
            node: report
            for node, report in failed.items()
            if self._is_final(report, now, families.get(node, "windows"))
        }

    def _is_final(self, report: Report, now: float, family: str) -> bool:
        seen = self._seen.setdefault(report.node, [])
        if not seen or seen[-1][1] != report:
            seen.append((now, report))
        again = any(earlier.phase == report.phase for _, earlier in seen[:-1])
        return again or now - seen[-1][0] > GRACE_SECONDS[family]


@dataclass(slots=True)
class Progress:
    """Return the news of a machine: its next phase, or what it now says of the present one."""

    _told: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _told_silence: bool = False

    def news(self, reports: Reports) -> list[str]:
        """Return log lines for changed reports.

        If all nodes are ready and we still wait, the API is unreachable.
        """
        lines = [line for node, report in reports.items() if (line := self._line(node, report))]
        if self._told_silence or not all_ready(reports):
            return lines
        self._told_silence = True
        return [*lines, f"{naming.CONTROL_PLANE}: {SILENT_API}"]

    def _line(self, node: str, report: Report | None) -> str:
        phase, detail = (report.phase, report.detail) if report else ("booting", "")
        before = self._told.get(node)
        self._told[node] = phase, detail
        if report and report.is_failed and before != (phase, detail):
            return f"{node}: {phase} failed, and is tried again: {detail}"
        if not before or before[0] != phase:
            return f"{node}: {phase}"
        return f"{node}: {phase}: {detail}" if detail and before[1] != detail else ""


@dataclass(slots=True)
class Silence:
    """Machines that say nothing for a minute: each is named once, so that a person can look at its console
    meanwhile.
    """

    since: float
    _named: set[str] = field(default_factory=set[str])

    def news(self, reports: Reports, now: float) -> list[str]:
        """Return the nodes to name now."""
        if now - self.since < SILENT_SECONDS:
            return []
        silent = [node for node, report in reports.items() if not report and node not in self._named]
        self._named.update(silent)
        return silent


def last_words(console: str) -> str:
    """The end of a console's output in one line; what the node's script says goes before what systemd says
    of it.
    """
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    lines = [line for line in lines if SCRIPT in line] or lines
    return (
        f"Its console ends with: {' | '.join(lines[-LAST_LINES:])}"
        if lines
        else "Its console says nothing yet."
    )
