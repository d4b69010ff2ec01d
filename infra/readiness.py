"""The wait between the machines and the Kubernetes layer, and what a person reads when it ends badly.

Machines report their phase into SSM (rendezvous.STATUS), so a failed one is named within a minute, with its phase and the
reason, instead of a timeout; and one that EC2 has stopped or terminated is named at once, even when its last report was
that all is well. In a preview everything is read once and nothing is waited for.
"""

import asyncio
import base64
import json
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import pulumi
import yaml

from . import naming, rendezvous, stuck
from .errors import ClusterNotReadyError

POLL_SECONDS = 1.0
# The first pause: what has just become true is seen at once. Each is twice as long as the one before, up to POLL_SECONDS.
FIRST_PAUSE_SECONDS = 0.125
# Reports come ten a call, and an account has 40 such calls a second for all who use it (AWS general reference, "AWS Systems Manager
# endpoints and quotas", Parameter Store: max throughput). After a look at many nodes the pause is longer: ten calls a second on average.
NODES_A_SECOND = 100
CONSOLE_LINES = 15
SECONDS_PER_MINUTE = 60
RUNNING = ("pending", "running")
# How often EC2 is asked whether the machines still run: far within the minute, and far from the account's limit.
STATES_SECONDS = 10


# Each node's report, empty while there is none of its present instance.
Reports = Mapping[str, stuck.Report]


class Cloud(Protocol):
    """What the gate asks of AWS; tests bring their own."""

    def parameter(self, name: str) -> str:
        """The value of an SSM parameter, decrypted."""
        ...

    def parameters(self, path: str) -> dict[str, str]:
        """The values of all parameters below a path, by their name below it."""
        ...

    def instance_states(self, stack: str) -> dict[str, str]:
        """EC2's state of every instance of the stack that it still lists, by instance id."""
        ...

    def console_output(self, instance_id: str) -> str:
        """What the instance last printed."""
        ...

    def api_is_ready(self, kubeconfig: str) -> bool:
        """Whether the API server of a kubeconfig answers /readyz."""
        ...


class AmazonCloud:
    """The real thing: boto3, and HTTPS to the API server.

    boto3 and its clients are made when first asked: a preview asks EC2 nothing, and a preview of a new cluster nothing at all.
    """

    def __init__(self, region: str) -> None:
        self._region = region

    @cached_property
    def _ssm(self) -> Any:
        return self._client("ssm")

    @cached_property
    def _ec2(self) -> Any:
        return self._client("ec2")

    def _client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, region_name=self._region)

    def parameter(self, name: str) -> str:
        return self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]

    def parameters(self, path: str) -> dict[str, str]:
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=False)
        return {item["Name"].removeprefix(f"{path}/"): item["Value"] for page in pages for item in page["Parameters"]}

    def instance_states(self, stack: str) -> dict[str, str]:
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=[{"Name": f"tag:{naming.STACK_TAG}", "Values": [stack]}])
        return {instance["InstanceId"]: instance["State"]["Name"] for instance in pages.search("Reservations[].Instances[]")}

    def console_output(self, instance_id: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output", "")
        except (BotoCoreError, ClientError) as error:
            # Only a help for the reader: older instance types have no latest output, and the caller may not be allowed.
            return f"(no console output: {error})"

    def api_is_ready(self, kubeconfig: str) -> bool:
        cluster = yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]
        authority = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        try:
            # kubeadm leaves /readyz open to everybody (system:public-info-viewer): no credential is needed to ask.
            url = f"{cluster['server']}/readyz"
            with urllib.request.urlopen(url, timeout=5, context=authority) as answer:  # noqa: S310 - https, kubeadm wrote it
                return answer.status == 200
        except OSError:
            return False


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
        """The administrator's kubeconfig once the API answers; None when it does not and nothing is waited for."""
        return await self._until(lambda: self._look_for_kubeconfig(instance_id), {naming.CONTROL_PLANE: instance_id})

    async def nodes(self, instances: Mapping[str, str]) -> bool | None:
        """True once every node says that it is Ready; None when it is not and nothing is waited for."""
        return await self._until(lambda: self._look_at_nodes(instances), instances)

    async def _until(self, look: Callable[[], tuple[Any, Reports]], instances: Mapping[str, str]) -> Any:
        start = states_due = self.clock()
        pause = FIRST_PAUSE_SECONDS
        failures, progress, silent = stuck.Failures(), stuck.Progress(), stuck.Silence(since=start)
        while True:
            now = self.clock()
            if self.wait and now >= states_due:
                states_due = now + STATES_SECONDS
                await asyncio.to_thread(self._raise_if_lost, instances)
            found, reports = await asyncio.to_thread(look)
            if found or not self.wait:
                return found
            if failed := failures.final(reports, now):
                raise self._error("failed", failed, instances)
            if now > start + self.timeout_minutes * SECONDS_PER_MINUTE:
                raise self._error(f"not ready within {self.timeout_minutes} minutes", reports, instances)
            for line in progress.news(reports):
                self.tell(line)
            for node in silent.news(reports, now):
                console = await asyncio.to_thread(self.cloud.console_output, instances[node])
                self.tell(f"{node} ({instances[node]}): {stuck.describe({})}. {stuck.last_words(console)}")
            await asyncio.sleep(max(pause, len(instances) / NODES_A_SECOND))
            pause = min(2 * pause, POLL_SECONDS)

    def _look_for_kubeconfig(self, instance_id: str) -> tuple[str | None, Reports]:
        """With the one report that tells why it is not there yet, for who waits for it."""
        kubeconfig = self._published_kubeconfig(instance_id)
        if kubeconfig or not self.wait:
            return kubeconfig, {}
        status = self.names.parameter(rendezvous.STATUS, naming.CONTROL_PLANE)
        return None, {naming.CONTROL_PLANE: _report(self.cloud.parameter(status), instance_id)}

    def _look_at_nodes(self, instances: Mapping[str, str]) -> tuple[bool | None, Reports]:
        reports = self._reports(instances)
        return all(map(stuck.is_done, reports.values())) or None, reports

    def _published_kubeconfig(self, instance_id: str) -> str | None:
        document = _json(self.cloud.parameter(self.names.parameter(rendezvous.KUBECONFIG)))
        if document.get("instance") != instance_id:
            return None
        kubeconfig = str(document["kubeconfig"])
        return kubeconfig if self.cloud.api_is_ready(kubeconfig) else None

    def _reports(self, instances: Mapping[str, str]) -> Reports:
        values = self.cloud.parameters(self.names.parameter(rendezvous.STATUS))
        return {node: _report(values.get(node, ""), instance) for node, instance in instances.items()}

    def _raise_if_lost(self, instances: Mapping[str, str]) -> None:
        states = self.cloud.instance_states(self.names.stack)
        if all(states.get(instance) in RUNNING for instance in instances.values()):
            return
        reports = self._reports(instances)
        lines = {node: line for node, id in instances.items() if (line := stuck.lost(node, id, states.get(id), reports[node]))}
        if lines:
            advice = stuck.advice({node: states.get(instances[node]) for node in lines})
            raise ClusterNotReadyError("\n".join([*lines.values(), advice]))

    def _error(self, what: str, reports: Reports, instances: Mapping[str, str]) -> ClusterNotReadyError:
        unfinished = {node: report for node, report in reports.items() if not stuck.is_done(report)}
        lines = [f"{node} ({instances[node]}) {what}: {stuck.describe(report)}" for node, report in unfinished.items()]
        if not lines:
            lines = [f"{naming.CONTROL_PLANE} ({instances[naming.CONTROL_PLANE]}) {what}: {stuck.SILENT_API}"]
        first = next(iter(unfinished), naming.CONTROL_PLANE)
        console = self.cloud.console_output(instances[first]).splitlines()[-CONSOLE_LINES:]
        return ClusterNotReadyError("\n".join([*lines, f"last console output of {first}:", *(f"  | {line}" for line in console), stuck.AGAIN]))


def kubeconfig(gate: pulumi.Output[Gate], instance_id: pulumi.Output[str]) -> pulumi.Output[str]:
    """The kubeconfig as a secret output, unknown in a preview of a cluster that is not there yet."""

    async def wait(known: list[Any]) -> Any:
        return await cast(Gate, known[0]).kubeconfig(known[1]) or pulumi.UNKNOWN

    return pulumi.Output.secret(pulumi.Output.all(gate, instance_id).apply(wait))


def nodes(gate: pulumi.Output[Gate], instances: Mapping[str, pulumi.Output[str]], after: pulumi.Output[Any]) -> pulumi.Output[bool]:
    """True once every node is Ready; the wait begins when `after` (the pod network) is there."""

    async def wait(known: list[Any]) -> bool:
        return await cast(Gate, known[0]).nodes(known[1]) or False

    return pulumi.Output.all(gate, pulumi.Output.all(**instances), after).apply(wait)


def _report(text: str, instance_id: str) -> dict[str, Any]:
    """What a node reports, or nothing while it comes from an earlier instance of the same node."""
    report = _json(text)
    return report if report.get("instance") == instance_id else {}


def _json(text: str) -> dict[str, Any]:
    """A document, or nothing while its parameter still holds the placeholder."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return cast(dict[str, Any], document) if isinstance(document, dict) else {}
