"""The wait between the machines and the Kubernetes layer, and what a person reads when it ends badly.

Machines report their phase into SSM (rendezvous.STATUS), so a failed one is named within a minute, with its
phase and the reason, instead of a timeout; and one that EC2 has stopped or terminated is named at once, even
when its last report was that all is well. In a preview everything is read once and nothing is waited for.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pulumi

from . import join_parameters
from .config import naming
from .errors import ClusterNotReadyError
from .node import diagnosis, report
from .node.diagnosis import Instance, Reports
from .node.report import Report
from .readiness_aws import AmazonCloud as AmazonCloud
from .readiness_aws import Cloud

POLL_SECONDS = 1.0
# The first pause: what has just become true is seen at once. Each is twice as long as the one before, up to
# POLL_SECONDS.
FIRST_PAUSE_SECONDS = 0.125
# Reports come ten a call, and an account has 40 such calls a second for all who use it (AWS general
# reference, "AWS Systems Manager endpoints and quotas", Parameter Store: max throughput). After a look at
# many nodes the pause is longer: ten calls a second on average.
NODES_A_SECOND = 100
CONSOLE_LINES = 15
SECONDS_PER_MINUTE = 60
RUNNING = ("pending", "running")
# How often EC2 is asked whether the machines still run: far within the minute, and far from the account's
# limit.
STATES_SECONDS = 10
# The stack's instances by id, as EC2 last listed them; empty in a preview, which does not ask.
Known = Mapping[str, Instance]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Waits for the cluster of one particular control plane instance."""

    names: naming.Names
    cloud: Cloud
    timeout_minutes: int
    wait: bool
    clock: Callable[[], float] = time.monotonic
    tell: Callable[[str], None] = pulumi.log.info

    async def kubeconfig(self, instance_id: str) -> str | None:
        """The administrator's kubeconfig once the API answers; None when it does not and nothing is waited
        for.
        """
        return await self._until(
            partial(self._look_for_kubeconfig, instance_id), {naming.CONTROL_PLANE: instance_id}
        )

    async def nodes(self, instances: Mapping[str, str]) -> bool | None:
        """True once every node says that it is Ready; None when it is not and nothing is waited for."""
        return await self._until(partial(self._look_at_nodes, instances), instances)

    async def _until(self, look: Callable[[Known], tuple[Any, Reports]], instances: Mapping[str, str]) -> Any:
        start = states_due = self.clock()
        pause = FIRST_PAUSE_SECONDS
        failures, progress, silent = (
            diagnosis.Failures(),
            diagnosis.Progress(),
            diagnosis.Silence(since=start),
        )
        known: Known = {}
        while True:
            now = self.clock()
            if self.wait and now >= states_due:
                states_due = now + STATES_SECONDS
                known = await asyncio.to_thread(self._list_unless_lost, instances)
            found, reports = await asyncio.to_thread(look, known)
            if found or not self.wait:
                return found
            families = {node: found.family for node, id in instances.items() if (found := known.get(id))}
            if failed := failures.final(reports, now, families):
                raise self._error("failed", failed, instances)
            if now > start + self.timeout_minutes * SECONDS_PER_MINUTE:
                raise self._error(f"not ready within {self.timeout_minutes} minutes", reports, instances)
            for line in progress.news(reports):
                self.tell(line)
            for node in silent.news(reports, now):
                console = await asyncio.to_thread(self.cloud.console_output, instances[node])
                self.tell(f"{node} ({instances[node]}): {report.NO_REPORT}. {diagnosis.last_words(console)}")
            await asyncio.sleep(max(pause, len(instances) / NODES_A_SECOND))
            pause = min(2 * pause, POLL_SECONDS)

    def _look_for_kubeconfig(self, instance_id: str, known: Known) -> tuple[str | None, Reports]:
        """Also return the one report that says why it is not there yet, if we wait for it."""
        kubeconfig = self._published_kubeconfig(instance_id)
        if kubeconfig or not self.wait:
            return kubeconfig, {}
        node = naming.CONTROL_PLANE
        found = self.cloud.report(node, self.names.parameter(join_parameters.STATUS, node))
        return None, {node: _of(found, instance_id, known)}

    def _look_at_nodes(self, instances: Mapping[str, str], known: Known) -> tuple[bool | None, Reports]:
        reports = self._reports(instances, known)
        return diagnosis.all_ready(reports) or None, reports

    def _published_kubeconfig(self, instance_id: str) -> str | None:
        document = _json(self.cloud.parameter(self.names.parameter(join_parameters.KUBECONFIG)))
        if document.get("instance") != instance_id:
            return None
        kubeconfig = str(document["kubeconfig"])
        return kubeconfig if self.cloud.api_is_ready(kubeconfig) else None

    def _reports(self, instances: Mapping[str, str], known: Known) -> Reports:
        found = self.cloud.reports(self.names.parameter(join_parameters.STATUS))
        return {node: _of(found.get(node), instance, known) for node, instance in instances.items()}

    def _list_unless_lost(self, instances: Mapping[str, str]) -> Known:
        """List the stack's instances; raise if EC2 has stopped or terminated one of these."""
        known = self.cloud.instances(self.names.stack)
        states = {id: found.state if (found := known.get(id)) else None for id in instances.values()}
        if all(state in RUNNING for state in states.values()):
            return known
        reports = self._reports(instances, known)
        lines = {
            node: line
            for node, id in instances.items()
            if (line := diagnosis.lost(node, id, states[id], reports[node]))
        }
        if lines:
            advice = diagnosis.advice({node: states[instances[node]] for node in lines})
            raise ClusterNotReadyError("\n".join([*lines.values(), advice]))
        return known

    def _error(self, what: str, reports: Reports, instances: Mapping[str, str]) -> ClusterNotReadyError:
        unfinished = {node: found for node, found in reports.items() if found is None or not found.is_ready}
        lines = [
            f"{node} ({instances[node]}) {what}: {report.describe(found)}"
            for node, found in unfinished.items()
        ]
        if not lines:
            lines = [
                f"{naming.CONTROL_PLANE} ({instances[naming.CONTROL_PLANE]}) {what}: {diagnosis.SILENT_API}"
            ]
        first = next(iter(unfinished), naming.CONTROL_PLANE)
        console = self.cloud.console_output(instances[first]).splitlines()[-CONSOLE_LINES:]
        return ClusterNotReadyError(
            "\n".join(
                [
                    *lines,
                    f"last console output of {first}:",
                    *(f"  | {line}" for line in console),
                    diagnosis.AGAIN,
                ]
            )
        )


def kubeconfig(gate: pulumi.Output[Gate], instance_id: pulumi.Output[str]) -> pulumi.Output[str]:
    """The kubeconfig as a secret output, unknown in a preview of a cluster that is not there yet."""

    async def wait(known: list[Any]) -> Any:
        return await cast(Gate, known[0]).kubeconfig(known[1]) or pulumi.UNKNOWN

    return pulumi.Output.secret(pulumi.Output.all(gate, instance_id).apply(wait))


def nodes(
    gate: pulumi.Output[Gate], instances: Mapping[str, pulumi.Output[str]], after: pulumi.Output[Any]
) -> pulumi.Output[bool]:
    """True once every node is Ready; the wait begins when `after` (the pod network) is there."""

    async def wait(known: list[Any]) -> bool:
        return await cast(Gate, known[0]).nodes(known[1]) or False

    return pulumi.Output.all(gate, pulumi.Output.all(**instances), after).apply(wait)


def _of(found: Report | None, instance_id: str, known: Known) -> Report | None:
    """Return the report if it is of this instance."""
    instance = known.get(instance_id)
    return report.of_instance(found, instance_id, instance.launched if instance else None)


def _json(text: str) -> dict[str, Any]:
    """A document, or nothing while its parameter still holds the placeholder."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return cast(dict[str, Any], document) if isinstance(document, dict) else {}
